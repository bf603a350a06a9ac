"""Shortest doubles by Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", PLDI 2010): Redis
writes doubles with it, and in about one of a thousand its text is not the very shortest, so that another exact algorithm would answer
differently."""

from libc.math cimport isinf, isnan, signbit
from libc.stdint cimport INT64_MAX, uint64_t
from libc.stdlib cimport strtod, strtold
from libc.string cimport memchr, memcpy, memset
from zippy._core.ground.format cimport format_text

cdef extern from *:
    """
    #include <stdint.h>
    static inline uint64_t zippy_times(uint64_t a, uint64_t b) {
        return (uint64_t)(((unsigned __int128)a * b + ((uint64_t)1 << 63)) >> 64);
    }
    """
    uint64_t zippy_times(uint64_t a, uint64_t b) noexcept nogil

cdef extern from "<errno.h>" nogil:
    int errno
    int ERANGE

cdef enum:
    FIRST_POWER = -348      # of ten, of the cached powers
    POWER_STEP = 8
    POWERS = 87
    LOWEST_EXPONENT = -60   # the product's binary exponent: its integer part fits 32 bits
    HIGHEST_EXPONENT = -32
    READ_MAX = 5119         # bytes of a number's text: the longest that a long double can have
    EXACT_DIGITS = 15       # a double holds every integer of so many
    SHORT_DIGITS = 14       # to so many a shortest decimal can be rounded


cdef double INTEGERS_UP_TO = 4611686018427387904.0    # half of int64: as far as Redis writes integral doubles as integers


cdef struct Scaled:
    # frac * 2^exp
    uint64_t frac
    int exp


cdef Scaled[POWERS] powers

cdef uint64_t[20] tens
cdef char[200] pairs      # "00" to "99"


def fill_powers():
    """The cached powers of ten, rounded to 64 bits from exact integers."""
    for i in range(POWERS):
        k = FIRST_POWER + i * POWER_STEP
        numerator, denominator = (10**k, 1) if k >= 0 else (1, 10**-k)
        shift = 64 - (numerator.bit_length() - denominator.bit_length())
        quotient = (numerator << shift + 1) // denominator if shift >= -1 else numerator // (denominator << -shift - 1)
        while quotient >> 65:
            quotient >>= 1
            shift -= 1
        frac = (quotient + 1) >> 1
        powers[i].frac = frac
        powers[i].exp = -shift
    for i in range(20):
        tens[i] = 10**i
    for i in range(100):
        pairs[2 * i] = 48 + i // 10
        pairs[2 * i + 1] = 48 + i % 10


fill_powers()


cdef inline size_t digit_count(unsigned long long n) noexcept nogil:
    cdef size_t count = 1
    while n >= 10000:
        n //= 10000
        count += 4
    return count + (n >= 10) + (n >= 100) + (n >= 1000)


cdef size_t num_write_u64(char* dst, unsigned long long n) noexcept nogil:
    cdef size_t count = digit_count(n)
    cdef char* at = dst + count
    cdef unsigned long long rest
    while n >= 100:
        rest = n // 100
        at -= 2
        memcpy(at, pairs + 2 * (n - rest * 100), 2)
        n = rest
    if n >= 10:
        memcpy(dst, pairs + 2 * n, 2)
    else:
        dst[0] = <char>(48 + n)
    return count


cdef size_t num_write_i64(char* dst, int64_t n) noexcept nogil:
    if n >= 0:
        return num_write_u64(dst, <unsigned long long>n)
    dst[0] = c'-'
    return num_write_u64(dst + 1, 0 - <unsigned long long>n) + 1


cdef bint num_read_i64(Slice s, int64_t* n) noexcept nogil:
    cdef const char* p = s.ptr
    cdef size_t left = s.len
    cdef bint negative
    cdef uint64_t value
    cdef unsigned char digit
    if left == 0 or left > 20:
        return False
    negative = p[0] == c'-'
    if negative:
        p += 1
        left -= 1
        if left == 0:
            return False
    digit = <unsigned char>(p[0] - 48)
    if digit == 0:
        n[0] = 0
        return left == 1 and not negative
    if digit > 9:
        return False
    value = digit
    while left > 1:
        p += 1
        left -= 1
        digit = <unsigned char>(p[0] - 48)
        if digit > 9 or value > <uint64_t>922337203685477580:
            return False
        value = value * 10 + digit
    if negative:
        if value > <uint64_t>INT64_MAX + 1:
            return False
        n[0] = <int64_t>(0 - value)
        return True
    if value > <uint64_t>INT64_MAX:
        return False
    n[0] = <int64_t>value
    return True


cdef inline Scaled product(Scaled a, Scaled b) noexcept nogil:
    cdef Scaled r
    r.frac = zippy_times(a.frac, b.frac)
    r.exp = a.exp + b.exp + 64
    return r


cdef inline Scaled normalized(Scaled a) noexcept nogil:
    while not a.frac >> 63:
        a.frac <<= 1
        a.exp -= 1
    return a


cdef Scaled cached_power(int exp, int* k) noexcept nogil:
    """A power of ten that brings a number of this binary exponent into the range; *k is its exponent."""
    cdef int i = <int>((-(exp + POWERS) * 0.30102999566398114 - FIRST_POWER) / POWER_STEP)
    cdef int reached
    while True:
        reached = exp + powers[i].exp + 64
        if reached < LOWEST_EXPONENT:
            i += 1
        elif reached > HIGHEST_EXPONENT:
            i -= 1
        else:
            k[0] = FIRST_POWER + i * POWER_STEP
            return powers[i]


cdef void round_last(char* digits, int count, uint64_t delta, uint64_t rest, uint64_t unit, uint64_t distance) noexcept nogil:
    """Lowers the last digit while that comes nearer to the number and stays inside of its interval."""
    while rest < distance and delta - rest >= unit and (rest + unit < distance or distance - rest > rest + unit - distance):
        digits[count - 1] -= 1
        rest += unit


cdef int generate(Scaled w, Scaled upper, Scaled lower, char* digits, int* k) noexcept nogil:
    """Digits of the shortest decimal in (lower, upper), near w; *k is adapted to the last digit's place."""
    cdef uint64_t distance = upper.frac - w.frac
    cdef uint64_t delta = upper.frac - lower.frac
    cdef int shift = -upper.exp
    cdef uint64_t one = <uint64_t>1 << shift
    cdef uint64_t whole = upper.frac >> shift
    cdef uint64_t part = upper.frac & (one - 1)
    cdef uint64_t rest
    cdef uint64_t digit
    cdef int count = 0
    cdef int kappa = 10
    cdef int scale = 1
    while kappa > 0:
        kappa -= 1
        digit = whole // tens[kappa]
        if digit or count:
            digits[count] = <char>(48 + digit)
            count += 1
        whole -= digit * tens[kappa]
        rest = (whole << shift) + part
        if rest <= delta:
            k[0] += kappa
            round_last(digits, count, delta, rest, tens[kappa] << shift, distance)
            return count
    while True:
        part *= 10
        delta *= 10
        kappa -= 1
        digit = part >> shift
        if digit or count:
            digits[count] = <char>(48 + digit)
            count += 1
        part &= one - 1
        if part < delta:
            k[0] += kappa
            round_last(digits, count, delta, part, one, distance * tens[scale])
            return count
        scale += 1


cdef int shortest(double d, char* digits, int* k) noexcept nogil:
    """The digits of a positive finite number: digits * 10^k."""
    cdef uint64_t bits
    cdef Scaled w
    cdef Scaled upper
    cdef Scaled lower
    cdef Scaled power
    cdef int shift
    memcpy(&bits, &d, 8)
    w.frac = bits & ((<uint64_t>1 << 52) - 1)
    w.exp = <int>(bits >> 52 & 0x7FF)
    if w.exp:
        w.frac |= <uint64_t>1 << 52
        w.exp -= 1075
    else:
        w.exp = -1074
    upper.frac = (w.frac << 1) + 1
    upper.exp = w.exp - 1
    upper = normalized(upper)
    shift = 2 if w.frac == <uint64_t>1 << 52 else 1
    lower.frac = ((w.frac << shift) - 1) << (w.exp - shift - upper.exp)
    lower.exp = upper.exp
    w = normalized(w)
    power = cached_power(upper.exp, k)
    w = product(w, power)
    upper = product(upper, power)
    lower = product(lower, power)
    lower.frac += 1
    upper.frac -= 1
    k[0] = -k[0]
    return generate(w, upper, lower, digits, k)


cdef size_t write_digits(char* dst, const char* digits, int count, int k) noexcept nogil:
    """digits * 10^k: plain when that is short enough, else with an exponent."""
    cdef int exponent = k + count - 1
    cdef int size = exponent if exponent >= 0 else -exponent
    cdef int point
    if k >= 0 and size < count + 7:
        memcpy(dst, digits, count)
        memset(dst + count, 48, k)
        return count + k
    if k < 0 and (k > -7 or size < 4):
        point = count + k
        if point <= 0:
            memcpy(dst, b"0.", 2)
            memset(dst + 2, 48, -point)
            memcpy(dst + 2 - point, digits, count)
            return count + 2 - point
        memcpy(dst, digits, point)
        dst[point] = c'.'
        memcpy(dst + point + 1, digits + point, count - point)
        return count + 1
    dst[0] = digits[0]
    point = 1
    if count > 1:
        dst[1] = c'.'
        memcpy(dst + 2, digits + 1, count - 1)
        point = count + 1
    dst[point] = c'e'
    dst[point + 1] = c'-' if exponent < 0 else c'+'
    return point + 2 + num_write_u64(dst + point + 2, <unsigned long long>size)


cdef size_t num_write_double(char* dst, double d) noexcept nogil:
    cdef char[32] digits
    cdef int k
    cdef int count
    cdef size_t sign = 0
    if isnan(d):
        memcpy(dst, b"nan", 3)
        return 3
    if signbit(d):
        dst[0] = c'-'
        sign = 1
        d = -d
    if isinf(d):
        memcpy(dst + sign, b"inf", 3)
        return sign + 3
    if d <= INTEGERS_UP_TO and d == <double><int64_t>d:
        return sign + num_write_u64(dst + sign, <unsigned long long>d)
    count = shortest(d, digits, &k)
    return sign + write_digits(dst + sign, digits, count, k)


cdef size_t write_general(char* dst, const char* digits, int count, int exponent) noexcept nogil:
    """A first digit of the power of ten `exponent` and the others behind it, as printf's %g writes them."""
    cdef size_t size
    if exponent < 0:
        memcpy(dst, b"0.", 2)
        memset(dst + 2, 48, -exponent - 1)
        memcpy(dst + 1 - exponent, digits, count)
        return count + 1 - exponent
    if count <= exponent + 1:
        memcpy(dst, digits, count)
        memset(dst + count, 48, exponent + 1 - count)
        return exponent + 1
    size = exponent + 1
    memcpy(dst, digits, size)
    dst[size] = c'.'
    memcpy(dst + size + 1, digits + size, count - size)
    return count + 1


cdef bint round_to(char* digits, int* count, int* k, int wanted) noexcept nogil:
    """Rounds the digits of a shortest decimal to fewer; False where it is too near to the middle to tell which way the number itself goes.

    The number lies within half a unit of its own last bit from that decimal, which is a fiftieth of a unit of the 14th digit at most.
    """
    cdef int beyond = (digits[wanted] - 48) * 100
    cdef int i
    if count[0] > wanted + 1:
        beyond += (digits[wanted + 1] - 48) * 10
    if count[0] > wanted + 2:
        beyond += digits[wanted + 2] - 48
    if 475 <= beyond <= 525:
        return False
    k[0] += count[0] - wanted
    count[0] = wanted
    if beyond > 500:
        i = wanted - 1
        while i >= 0 and digits[i] == c'9':
            i -= 1
        if i < 0:
            digits[0] = c'1'
            k[0] += wanted
            count[0] = 1
            return True
        digits[i] += 1
        k[0] += wanted - 1 - i
        count[0] = i + 1
    return True


cdef size_t num_write_general(char* dst, double d, int digits) noexcept nogil:
    cdef char[32] text
    cdef int k
    cdef int count
    cdef size_t sign = signbit(d)
    cdef double size = -d if sign else d
    if digits <= EXACT_DIGITS and size < <double>tens[digits] and size == <double><int64_t>size:
        dst[0] = c'-'
        return sign + num_write_u64(dst + sign, <unsigned long long>size)
    # beyond 14 digits, and where there is an exponent, printf itself is as good
    if digits > SHORT_DIGITS or not 1e-4 <= size < <double>tens[digits - 1]:
        return format_text(dst, NUM_DOUBLE_TEXT, b"%.*g", digits, d)
    count = shortest(size, text, &k)
    if count > digits and not round_to(text, &count, &k, digits):
        return format_text(dst, NUM_DOUBLE_TEXT, b"%.*g", digits, d)
    while count > 1 and text[count - 1] == c'0':
        count -= 1
        k += 1
    dst[0] = c'-'
    return sign + write_general(dst + sign, text, count, k + count - 1)


cdef inline bint is_blank(char c) noexcept nogil:
    return c == c' ' or 9 <= c <= 13


cdef bint read_short_decimal(Slice s, double* d) noexcept nogil:
    """Reads what is no longer than 15 characters, as most numbers: digits and power of ten are exact then, so their quotient is right."""
    cdef size_t i = 1 if s.len and (s.ptr[0] == c'-' or s.ptr[0] == c'+') else 0
    cdef size_t first = i
    cdef size_t point = 0            # the place after it
    cdef uint64_t value = 0
    cdef unsigned char digit
    if s.len - first > EXACT_DIGITS:
        return False
    while i < s.len:
        digit = <unsigned char>(s.ptr[i] - 48)
        i += 1
        if digit <= 9:
            value = value * 10 + digit
        elif s.ptr[i - 1] == c'.' and not point:
            point = i
        else:
            return False
    if s.len == first + (point != 0):
        return False
    d[0] = <double>value
    if point:
        d[0] /= <double>tens[s.len - point]
    if s.ptr[0] == c'-':
        d[0] = -d[0]
    return True


cdef bint num_read_double(Slice s, double* d) noexcept nogil:
    global errno
    cdef char[READ_MAX + 1] text
    cdef char* end
    if read_short_decimal(s, d):
        return True
    if s.len == 0 or s.len > READ_MAX or is_blank(s.ptr[0]):
        return False
    memcpy(text, s.ptr, s.len)
    text[s.len] = 0
    errno = 0
    d[0] = strtod(text, &end)
    # too large and too small are refused, "inf" is not
    return end == text + s.len and not isnan(d[0]) and not (errno == ERANGE and (isinf(d[0]) or d[0] == 0))


cdef bint num_read_lax_double(Slice s, double* d) noexcept nogil:
    # a NUL ends the text, what a double can't hold is the nearest that it can; but there are no hexadecimal numbers
    cdef char[READ_MAX + 1] text
    cdef char* end
    cdef const char* nul = <const char*>memchr(s.ptr, 0, s.len) if s.len else NULL
    if nul != NULL:
        s.len = nul - s.ptr
    d[0] = 0
    if s.len == 0 or read_short_decimal(s, d):
        return True
    if s.len > READ_MAX or is_blank(s.ptr[0]) or memchr(s.ptr, c'x', s.len) != NULL or memchr(s.ptr, c'X', s.len) != NULL:
        return False
    memcpy(text, s.ptr, s.len)
    text[s.len] = 0
    d[0] = strtod(text, &end)
    return end == text + s.len and not isnan(d[0])


cdef bint num_read_long_double(Slice s, long double* d) noexcept nogil:
    global errno
    cdef char[READ_MAX + 1] text
    cdef char* end
    if s.len == 0 or s.len > READ_MAX or is_blank(s.ptr[0]):
        return False
    memcpy(text, s.ptr, s.len)
    text[s.len] = 0
    errno = 0
    d[0] = strtold(text, &end)
    return end == text + s.len and d[0] == d[0] and not (errno == ERANGE and (d[0] == d[0] * 2 or d[0] == 0))


cdef size_t num_write_long_double(char* dst, long double d) noexcept nogil:
    cdef size_t size
    if isinf(<double>d) and d == d + d:
        memcpy(dst, b"inf" if d > 0 else b"-inf", 3 if d > 0 else 4)
        return 3 if d > 0 else 4
    size = format_text(dst, NUM_LONG_DOUBLE_TEXT, b"%.17Lf", d)
    while dst[size - 1] == c'0':
        size -= 1
    if dst[size - 1] == c'.':
        size -= 1
    if size == 2 and dst[0] == c'-' and dst[1] == c'0':
        dst[0] = c'0'
        size = 1
    return size
