"""What a search finds, and in which order, is what Redis finds: it asks nine cells around the center, in a fixed order, each in the
order of scores. How large they are follows from the shape, and near the poles and in huge circles they do not always reach all of it. So
the choice of cells repeats Redis's arithmetic step by step, and distances are computed in its order: the last digit shows.

What is ours is which members of a cell are looked at. The cells are up to thirty times as large as the shape; so for each shape there is a
box of whole parts of longitude and latitude that it lies within. A point outside of it needs no sine, and from such a point the search goes
on behind the largest cell around it that lies outside as a whole.
"""

from libc.math cimport asin, cos, fabs, sin, sqrt
from libc.stdint cimport INT64_MIN, int64_t

cdef enum:
    STEPS = 26               # bits of longitude, and of latitude
    SLACK = 4                # parts that a search's box is wider on each side, for what rounding may hide; one has 0.6 m at most
    MASK = (1 << STEPS) - 1  # of a part's number

cdef double PI = 3.14159265358979323846
cdef double RADIAN = 3.14159265358979323846 / 180.0      # of a degree
cdef double EARTH_RADIUS = 6372797.560856                # meters
cdef double HALF_EQUATOR = 20037726.37                   # meters, as cells are measured
cdef double MAX_LONGITUDE = 180.0
cdef double MAX_LATITUDE = 85.05112878                   # of Mercator's square map
cdef double TWO_TO_63 = 9223372036854775808.0

cdef const char* ALPHABET = b"0123456789bcdefghjkmnpqrstuvwxyz"

# The nine cells by their distance from the middle one: itself, north, south, east, west, north-east, north-west, south-east, south-west
cdef int[GEO_AREAS] EAST = [0, 0, 0, 1, -1, 1, -1, 1, -1]
cdef int[GEO_AREAS] NORTH = [0, 1, -1, 0, 0, 1, 1, -1, -1]


cdef struct Cell:
    uint32_t x               # longitude, in parts of 2^step
    uint32_t y               # latitude
    int step


cdef struct Bounds:
    # degrees
    double west
    double east
    double south
    double north


# ---- numbers


cdef inline uint64_t spread(uint64_t n) noexcept nogil:
    """Puts the low 32 bits at the even places."""
    n = (n | n << 16) & <uint64_t>0x0000FFFF0000FFFF
    n = (n | n << 8) & <uint64_t>0x00FF00FF00FF00FF
    n = (n | n << 4) & <uint64_t>0x0F0F0F0F0F0F0F0F
    n = (n | n << 2) & <uint64_t>0x3333333333333333
    return (n | n << 1) & <uint64_t>0x5555555555555555


cdef inline uint32_t gather(uint64_t n) noexcept nogil:
    """The bits at the even places."""
    n &= <uint64_t>0x5555555555555555
    n = (n | n >> 1) & <uint64_t>0x3333333333333333
    n = (n | n >> 2) & <uint64_t>0x0F0F0F0F0F0F0F0F
    n = (n | n >> 4) & <uint64_t>0x00FF00FF00FF00FF
    n = (n | n >> 8) & <uint64_t>0x0000FFFF0000FFFF
    return <uint32_t>(n | n >> 16)


cdef inline uint64_t bits_of(Cell cell) noexcept nogil:
    return spread(cell.y) | spread(cell.x) << 1


cdef Cell cell_at(GeoPoint point, double max_latitude, int step) noexcept nogil:
    """The eastern and the northern edge of the map have a number of their own, 2^step."""
    cdef double parts = <double>(<uint64_t>1 << step)
    cdef Cell cell
    cell.x = <uint32_t>((point.longitude + MAX_LONGITUDE) / (MAX_LONGITUDE + MAX_LONGITUDE) * parts)
    cell.y = <uint32_t>((point.latitude + max_latitude) / (max_latitude + max_latitude) * parts)
    cell.step = step
    return cell


cdef inline double edge(double part, int step, double limit) noexcept nogil:
    """Where a part begins, in degrees."""
    return -limit + part / <double>(<uint64_t>1 << step) * (limit + limit)


cdef inline double middle(uint32_t part, double limit) noexcept nogil:
    """Of one of the smallest parts, within the limits."""
    cdef double degrees = (edge(part, STEPS, limit) + edge(<double>part + 1, STEPS, limit)) / 2
    return limit if degrees > limit else -limit if degrees < -limit else degrees


cdef bint geo_is_valid(GeoPoint point) noexcept nogil:
    return -MAX_LONGITUDE <= point.longitude <= MAX_LONGITUDE and -MAX_LATITUDE <= point.latitude <= MAX_LATITUDE


cdef double geo_score(GeoPoint point) noexcept nogil:
    return <double>bits_of(cell_at(point, MAX_LATITUDE, STEPS))


cdef uint64_t geo_bits(double score) noexcept nogil:
    # what a cast comes to on the machines that Redis runs on; where it is too large for one, C does not say
    if score < 0:
        return <uint64_t><int64_t>score if score > -TWO_TO_63 else <uint64_t>INT64_MIN
    return <uint64_t>score if score < 2 * TWO_TO_63 else 0


cdef GeoPoint geo_point(double score) noexcept nogil:
    cdef uint64_t bits = geo_bits(score)
    return GeoPoint(middle(gather(bits >> 1), MAX_LONGITUDE), middle(gather(bits), MAX_LATITUDE))


cdef void geo_write_hash(char* dst, GeoPoint point) noexcept nogil:
    # geohash.org cuts the whole of latitude; 52 bits are ten characters and two bits, which are told as none
    cdef uint64_t bits = bits_of(cell_at(point, 90, STEPS))
    cdef int i
    for i in range(GEO_HASH_TEXT - 1):
        dst[i] = ALPHABET[bits >> (47 - 5 * i) & 31]
    dst[GEO_HASH_TEXT - 1] = c'0'


# ---- distances


cdef inline double arc(double a) noexcept nogil:
    """Meters, from the haversine."""
    return 2.0 * EARTH_RADIUS * asin(sqrt(a))


cdef inline double distance_along(double latitude, double other) noexcept nogil:
    """Meters between two parallels, of latitudes in degrees."""
    return EARTH_RADIUS * fabs(other * RADIAN - latitude * RADIAN)


cdef double geo_distance(GeoPoint a, GeoPoint b) noexcept nogil:
    cdef double v = sin((b.longitude * RADIAN - a.longitude * RADIAN) / 2)
    cdef double u
    if v == 0:
        return distance_along(a.latitude, b.latitude)
    u = sin((b.latitude * RADIAN - a.latitude * RADIAN) / 2)
    return arc(u * u + cos(a.latitude * RADIAN) * cos(b.latitude * RADIAN) * v * v)


# ---- searching


cdef int step_for(double radius, double latitude) noexcept nogil:
    """How small cells may be if nine of them are to hold a circle: this, less a step or two towards the poles, where they are narrow."""
    cdef int step = 1
    if radius == 0:
        return STEPS
    while radius < HALF_EQUATOR:
        radius *= 2
        step += 1
    step -= 2
    if fabs(latitude) > 66:
        step -= 1
    if fabs(latitude) > 80:
        step -= 1
    return min(max(step, 1), STEPS)


cdef Bounds bounds_of(const GeoSearch* s) noexcept nogil:
    """The shape's ends; to the west and to the east those on its side towards the pole."""
    cdef double latitude = s.center.latitude
    cdef double up = (s.half_height if s.is_box else s.radius) / EARTH_RADIUS / RADIAN
    cdef double aside = (s.half_width if s.is_box else s.radius) / EARTH_RADIUS
    cdef double poleward = latitude - up if latitude < 0 else latitude + up
    cdef Bounds b
    aside = aside / cos(poleward * RADIAN) / RADIAN
    b.west = s.center.longitude - aside
    b.east = s.center.longitude + aside
    b.south = latitude - up
    b.north = latitude + up
    return b


cdef Cell neighbour(Cell cell, int east, int north) noexcept nogil:
    """Around the earth, and from the northern edge of the map to the southern one."""
    cdef uint32_t mask = (<uint32_t>1 << cell.step) - 1
    if east:
        cell.x = (cell.x + <uint32_t>east) & mask
    if north:
        cell.y = (cell.y + <uint32_t>north) & mask
    return cell


cdef bint reaches(Cell cell, const Bounds* b) noexcept nogil:
    """Whether the neighbours of a cell reach as far as the bounds. NaN, of an endless circle, is no bound."""
    return not (edge(<double>neighbour(cell, 0, 1).y + 1, cell.step, MAX_LATITUDE) < b.north
                or edge(neighbour(cell, 0, -1).y, cell.step, MAX_LATITUDE) > b.south
                or edge(<double>neighbour(cell, 1, 0).x + 1, cell.step, MAX_LONGITUDE) < b.east
                or edge(neighbour(cell, -1, 0).x, cell.step, MAX_LONGITUDE) > b.west)


cdef bint is_useless(Cell middle, int east, int north, const Bounds* b) noexcept nogil:
    """Whether the cell in the middle ends beyond the bounds on the side where this neighbour is."""
    return ((north < 0 and edge(middle.y, middle.step, MAX_LATITUDE) < b.south)
            or (north > 0 and edge(<double>middle.y + 1, middle.step, MAX_LATITUDE) > b.north)
            or (east < 0 and edge(middle.x, middle.step, MAX_LONGITUDE) < b.west)
            or (east > 0 and edge(<double>middle.x + 1, middle.step, MAX_LONGITUDE) > b.east))


cdef void choose_areas(GeoSearch* s, double radius) noexcept nogil:
    cdef Bounds bounds = bounds_of(s)
    cdef int step = step_for(radius, s.center.latitude)
    cdef Cell cell = cell_at(s.center, MAX_LATITUDE, step)
    cdef uint64_t bits
    cdef GeoArea* area
    cdef int i
    if step > 1 and not reaches(cell, &bounds):
        step -= 1
        cell = cell_at(s.center, MAX_LATITUDE, step)
    s.area_count = 0
    for i in range(GEO_AREAS):
        if step > 1 and is_useless(cell, EAST[i], NORTH[i], &bounds):
            continue
        bits = bits_of(neighbour(cell, EAST[i], NORTH[i]))
        area = &s.areas[s.area_count]
        area.min = <double>(bits << 2 * (STEPS - step))
        area.max = <double>((bits + 1) << 2 * (STEPS - step))
        # of four cells on the whole map two neighbours are one
        if s.area_count < 2 or area.min != s.areas[s.area_count - 1].min:
            s.area_count += 1


cdef uint32_t part_at(double degrees, double limit) noexcept nogil:
    """The part that begins there or before, 0 and 2^26 for what lies outside of the map."""
    cdef double part = (degrees + limit) / (limit + limit) * <double>(1 << STEPS)
    return 0 if not part > 0 else 1 << STEPS if part > 1 << STEPS else <uint32_t>part


cdef void choose_longitudes(GeoSearch* s, double degrees) noexcept nogil:
    """So many degrees to either side of the center, NaN for all."""
    cdef double parts = degrees / 360 * <double>(1 << STEPS)
    s.west = 0
    s.longitudes = MASK
    if 2 * parts + 2 * SLACK + 2 < MASK:
        s.west = (part_at(s.center.longitude, MAX_LONGITUDE) - <uint32_t>parts - 1 - SLACK) & MASK
        s.longitudes = 2 * <uint32_t>parts + 2 + 2 * SLACK


cdef void choose_box(GeoSearch* s) noexcept nogil:
    """Where meridians touch a circle: the sine of the longitude is that of the radius through the cosine of the latitude. A box is as wide
    at each of its latitudes, so it has its ends where the cosine is least."""
    cdef double latitude = s.center.latitude * RADIAN
    cdef double up = (s.half_height if s.is_box else s.radius) / EARTH_RADIUS
    cdef double half = s.half_width / EARTH_RADIUS / 2
    cdef double farthest = fabs(latitude) + up
    cdef double ratio = 2
    s.south = part_at(s.center.latitude - up / RADIAN, MAX_LATITUDE)
    s.south -= min(s.south, <uint32_t>SLACK)
    s.north = part_at(s.center.latitude + up / RADIAN, MAX_LATITUDE) + SLACK
    if s.is_box and half < PI / 2:
        ratio = sin(half) / cos(min(farthest, MAX_LATITUDE * RADIAN))
    elif not s.is_box and farthest < PI / 2:
        ratio = sin(up) / cos(latitude)
    choose_longitudes(s, asin(ratio) / RADIAN * (2 if s.is_box else 1) if ratio < 1 else 360)


cdef void geo_search_begin(GeoSearch* s, const GeoShape* shape) noexcept nogil:
    cdef double radius = shape.radius
    s.center = shape.center
    s.is_box = shape.is_box
    s.radius = shape.radius * shape.unit
    s.half_width = shape.width * shape.unit / 2
    s.half_height = shape.height * shape.unit / 2
    s.center_cosine = cos(s.center.latitude * RADIAN)
    if shape.is_box:
        radius = sqrt(shape.width / 2 * (shape.width / 2) + shape.height / 2 * (shape.height / 2))
    choose_areas(s, radius * shape.unit)
    choose_box(s)


cdef inline bint meets(const GeoSearch* s, uint32_t x, uint32_t y, uint32_t size) noexcept nogil:
    """Whether a square of parts lies at least partly in the search's box."""
    return (y <= s.north and y + (size - 1) >= s.south
            and ((x - s.west & MASK) <= s.longitudes or (s.west - x & MASK) < size))


cdef double geo_search_next(const GeoSearch* s, double score) noexcept nogil:
    cdef uint64_t bits = geo_bits(score)
    cdef uint32_t x = gather(bits >> 1)
    cdef uint32_t y = gather(bits)
    cdef int level = 0
    # beyond the map there are its edges alone, and scores that belong to no point: both are told by their degrees
    if bits >> 2 * STEPS or meets(s, x, y, 1):
        return score
    while level < STEPS - 1 and not meets(s, x >> (level + 1) << (level + 1), y >> (level + 1) << (level + 1), <uint32_t>2 << level):
        level += 1
    return <double>(((bits >> 2 * level) + 1) << 2 * level)


cdef bint geo_search_holds(const GeoSearch* s, GeoPoint point, double* distance) noexcept nogil:
    cdef double v = sin((point.longitude * RADIAN - s.center.longitude * RADIAN) / 2)
    cdef double cosine
    cdef double u
    if s.is_box and distance_along(point.latitude, s.center.latitude) > s.half_height:
        return False
    if v == 0:
        distance[0] = distance_along(s.center.latitude, point.latitude)
        return s.is_box or not distance[0] > s.radius
    cosine = cos(point.latitude * RADIAN)
    if s.is_box and arc(cosine * cosine * v * v) > s.half_width:
        return False
    u = sin((point.latitude * RADIAN - s.center.latitude * RADIAN) / 2)
    distance[0] = arc(u * u + s.center_cosine * cosine * v * v)
    return s.is_box or not distance[0] > s.radius
