"""The TLS of the tls-* settings."""

from __future__ import annotations

import ssl

from zippy.setting_types import SettingError
from zippy.settings import Settings

TLS_SETTINGS = (
    "tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-dh-params-file", "tls-ca-cert-file", "tls-ca-cert-dir", "tls-auth-clients",
    "tls-protocols", "tls-ciphers", "tls-ciphersuites", "tls-prefer-server-ciphers", "tls-session-caching",
)  # fmt: skip
VERSIONS = {
    "tlsv1": ssl.TLSVersion.TLSv1, "tlsv1.1": ssl.TLSVersion.TLSv1_1, "tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3
}  # fmt: skip
DEFAULT_VERSIONS = "TLSv1.2 TLSv1.3"


def tls_context(settings: Settings) -> ssl.SSLContext:
    """A context for the server's side. OSError (ssl.SSLError is one) or SettingError when the settings don't make one."""
    get = settings.text
    if not get("tls-cert-file"):
        raise SettingError("No tls-cert-file configured!")
    has_authorities = bool(get("tls-ca-cert-file") or get("tls-ca-cert-dir"))
    if get("tls-auth-clients") != "no" and not has_authorities:
        raise SettingError("Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # no password is an empty one: with None, OpenSSL would ask for it at the terminal
    context.load_cert_chain(get("tls-cert-file"), get("tls-key-file") or None, get("tls-key-file-pass"))
    if has_authorities:
        context.load_verify_locations(get("tls-ca-cert-file") or None, get("tls-ca-cert-dir") or None)
    context.verify_mode = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL}.get(get("tls-auth-clients"), ssl.CERT_REQUIRED)
    choose_versions(context, get("tls-protocols") or DEFAULT_VERSIONS)
    choose_ciphers(context, settings)
    if get("tls-dh-params-file"):
        context.load_dh_params(get("tls-dh-params-file"))
    if not settings.flag("tls-session-caching"):
        context.options |= ssl.OP_NO_TICKET
    return context


def link_context(settings: Settings) -> ssl.SSLContext:
    """A context for a connection to another server, which shows it the same certificate. OSError or SettingError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    get = settings.text
    certificate, key = get("tls-client-cert-file") or get("tls-cert-file"), get("tls-client-key-file") or get("tls-key-file")
    if certificate:
        context.load_cert_chain(certificate, key or None, get("tls-client-key-file-pass") or get("tls-key-file-pass"))
    context.load_verify_locations(get("tls-ca-cert-file") or None, get("tls-ca-cert-dir") or None)
    choose_versions(context, get("tls-protocols") or DEFAULT_VERSIONS)
    choose_ciphers(context, settings)
    return context


def choose_versions(context: ssl.SSLContext, names: str) -> None:
    """Allows the versions of tls-protocols, which have to be neighbours: Python's ssl knows a lowest and a highest one."""
    known = list(VERSIONS)
    wanted = set(names.lower().split())
    if not wanted <= VERSIONS.keys():
        raise SettingError("Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.")
    first, last = min(map(known.index, wanted)), max(map(known.index, wanted))
    if len(wanted) != last - first + 1:
        raise SettingError("tls-protocols leaves out a version between two others")
    context.minimum_version, context.maximum_version = VERSIONS[known[first]], VERSIONS[known[last]]


def choose_ciphers(context: ssl.SSLContext, settings: Settings) -> None:
    """The ciphers of each version, and whose order of them counts."""
    if settings.text("tls-ciphers"):
        context.set_ciphers(settings.text("tls-ciphers"))
    suites = settings.text("tls-ciphersuites")
    if suites and hasattr(context, "set_ciphersuites"):
        context.set_ciphersuites(suites)
    elif suites:
        offered = {str(cipher["name"]) for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.3"}
        if not offered <= set(suites.split(":")):
            always = ":".join(sorted(offered))
            raise SettingError(f"tls-ciphersuites needs Python 3.15 to take suites away; this Python always offers {always}")
    if settings.flag("tls-prefer-server-ciphers"):
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
