"""Messages that nodes of real Redis have sent, as they came by the bus: version, kind, bytes (packed by zlib, as Base85)."""

from __future__ import annotations

import base64
import zlib

PACKED = (
    (
        "8.2.3",
        0,
        'c-jkc&P`%q;JCoRI4zq24=^=PPBKk3Pc}<Vu}m{eF)%ktG_y!bHZn6YHU>(inH#1Wn;2V~F^qyyFbYP&C>RB!U=+{^WcV`(GO{o*008#@4+{',
    ),
    (
        "8.2.3",
        0,
        'c-rmOy-h_i3<Y3ccm+r_EP}3o5+^k!1ri%1b}XbPCSU<3Kn%iwL=Qb$C@Ax}aN$$9JWuy89pL%{wzmfW*x=iF|47;PHmXLD_aWx0sWnd3ia2pF'
        'V&R%HEX%Si%d-5Bi{ApT47b~1_7t_AhFUhSfxfG>T)I&f=6MRm!NT>_Q;t`kH%NN7&%r;v@qT=MJe<4H4wnD}OJq@#E}C1xFdIVdsWNd(#G1W&'
        ')l+`{my?iKF%7iVMHIai=fL8#Qk76*C#&`aEHE^)',
    ),
    (
        "8.2.3",
        0,
        'c-rmOAr=BL3<S_DV36Eoo1{&ukvMM9CXM3+T!3S<Zw>EZFvxy2V#d$?`se`X6_(cxJ{I_ri>+-`i9qjz%|&u+l&dK_Qcy}tH5ZtsX_}^K`j5k}'
        '!js^#oc6fF5nv>Z!eZQ6O4Af(gV8-#LTVXFidV0)_qScijBIKW$y#TY<V~F-sc%<DLy#P;+8aU3B&G',
    ),
    (
        "8.2.3",
        2,
        'c-jkc&P`%q;JCoRI4zrji2)}tHBU}5O*Kz8OHQ#&GfXisH%T<JNJ=&`Gch&>N~M__rW%_VTbeP9f>AIEM!_f;1*2dT&<SMtGYB%WFfafB2$c^F',
    ),
    (
        "8.2.3",
        4,
        'c-jkc&P`%q;CRTuI4zrjg#iYbpfn>)z|=fB$u!kG*(^E5GR-i>z}zI!%pxh-$jrpp7$}uyZkTFpVr*&l9|_1ajDk@x3P!;w7zLwX6wnT2_%jGH'
        'LfS7Nk~KLaF)t%ECnp~O4=En)',
    ),
    (
        "7.0.15",
        0,
        'c-jkc&P`%q;CR8nxV4Z04=^_}Gfy>1NwZ8#O)^WhNJ~jgH8V0bNK7#`NHtA0FiW#YGPFoDw_q3rqhJ(_f>AIEM!_hc4qzmtz@LvnkdXz<lmHPK'
        '`NbuAsTGO21v#l8J^&Yj6o3',
    ),
    (
        "7.0.15",
        0,
        'c-jkc&P`%q;0$13+*-)Mz`)1=0q8V?xsjQ9s!2+kWm;;IS*k@^N@}W^k*Psqim5@WX{v!)nnjYKMVh$<!zdU9qhJ(_f>AIEMgesIBOwL;d<=q&'
        'EDQ|E25D)jsRjf=HpdnrAQm(<GS@QzLPMgQ(Rs4-B-||$AR;5bxI{0tA~ClhCl$m80AYe7Km',
    ),
    (
        "7.0.15",
        0,
        'c-rmOy$!-Z3<Y4Pg9ZskU;uPKIolB>10b=%IcGPBf|9*p8kT`5f|`oT-z#2axqYX@MF5rz-E$8B9n3!cmGao6<|34IR1@Ud$5v|&ArHi8O-39d'
        'fpg9|=iHy%wy>T?3ne7&n+>Ld%GOjdl~7v=S~Q@sL^k5-=DfIXVxnDmC;s&1aXqf)ZS(?9jvn~',
    ),
    (
        "7.0.15",
        2,
        'c-jkc&P`%q;CR8nxV4ahi2)}tH!?F%HAzXcOiN8NOSMQ#Nli5~GBrp{F*QgvO*Jq}vq&<uNHe!!7zLwX6pVsVFbYP&D4-5tB&5Kfk3o=;1<aHH'
        '5gGZ#C3>k9iMa(isUSW8DL52@',
    ),
    (
        "7.0.15",
        4,
        'c-jkc&P`%q;CRTuxV4ahg#iYbpfn>)z}(2pJk=y6%`z=D$t=|(EhRP8%*fOrF~!s%)il+>EX^Xx&?3#;;y)6QXBY*eU=)mkQ7{Td!6={|@aJO?'
        'gf><{tr*tijKsW*)SR4r0J#z$RR',
    ),
)
RECORDED = [(version, kind, zlib.decompress(base64.b85decode(text))) for version, kind, text in PACKED]
