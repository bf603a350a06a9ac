"""Points of the earth as numbers of 52 bits that keep neighbours together, distances, and searches around a point.

Longitude and latitude are cut into 2^26 parts each, and their bits are interleaved: latitude has the even ones. So the points of a cell,
which is a square of that grid with sides of 2^n parts at a multiple of 2^n, are a range of numbers; sorted sets hold them as scores.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    GEO_AREAS = 9            # a cell around a point and its eight neighbours
    GEO_HASH_TEXT = 11       # characters of a point as geohash.org has it


cdef struct GeoPoint:
    double longitude         # degrees, -180 to 180
    double latitude          # degrees, -85.05112878 to 85.05112878


cdef struct GeoShape:
    # what a search looks in
    GeoPoint center
    bint is_box
    double radius            # of a circle, in units; not negative, and infinity is allowed, for these three
    double width             # of a box, in units
    double height
    double unit              # meters


cdef struct GeoArea:
    # a cell as a range of scores
    double min               # inclusive
    double max               # exclusive


cdef struct GeoSearch:
    # a search that has begun
    GeoPoint center
    bint is_box
    double radius            # meters, of a circle
    double half_width        # meters, of a box
    double half_height
    double center_cosine     # of its latitude
    GeoArea[GEO_AREAS] areas     # in the order in which Redis looks at them
    int area_count
    # Parts of longitude and latitude that the shape lies within; no point outside of them needs a distance
    uint32_t west
    uint32_t longitudes      # as many parts to the east of it, across the date line too
    uint32_t south
    uint32_t north


cdef bint geo_is_valid(GeoPoint point) noexcept nogil
cdef double geo_score(GeoPoint point) noexcept nogil                      # of a valid point
cdef uint64_t geo_bits(double score) noexcept nogil                       # any score but NaN as a number
cdef GeoPoint geo_point(double score) noexcept nogil                      # the middle of a part, whatever the score
cdef double geo_distance(GeoPoint a, GeoPoint b) noexcept nogil           # meters, on a sphere; NaN for some that lie opposite
cdef void geo_write_hash(char* dst, GeoPoint point) noexcept nogil        # GEO_HASH_TEXT characters
cdef void geo_search_begin(GeoSearch* s, const GeoShape* shape) noexcept nogil
# The lowest score from this one on, of an area, that can belong to a point of the shape
cdef double geo_search_next(const GeoSearch* s, double score) noexcept nogil
# Whether a point that the search came to is in the shape, and how many meters from the center
cdef bint geo_search_holds(const GeoSearch* s, GeoPoint point, double* distance) noexcept nogil
