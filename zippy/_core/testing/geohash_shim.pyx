# Points and searches for tests; a point is a pair of longitude and latitude in degrees, a distance is in meters.

from zippy._core.ground.geohash cimport (
    GEO_HASH_TEXT, GeoPoint, GeoSearch, GeoShape, geo_bits, geo_distance, geo_is_valid, geo_point, geo_score, geo_search_begin,
    geo_search_holds, geo_search_next, geo_write_hash
)


def is_valid(point):
    return geo_is_valid(GeoPoint(point[0], point[1]))


def score(point):
    return geo_score(GeoPoint(point[0], point[1]))


def bits(double score):
    return geo_bits(score)


def point(double score):
    cdef GeoPoint middle = geo_point(score)
    return middle.longitude, middle.latitude


def distance(a, b):
    return geo_distance(GeoPoint(a[0], a[1]), GeoPoint(b[0], b[1]))


def text(point):
    """As geohash.org writes it."""
    cdef char[GEO_HASH_TEXT] hash
    geo_write_hash(hash, GeoPoint(point[0], point[1]))
    return hash[:GEO_HASH_TEXT]


cdef class Search:
    """A search around a point, in a circle of a radius or in a box of a width and a height."""

    cdef GeoSearch search

    def __init__(self, center, double radius, width=None, height=None):
        cdef GeoShape shape
        shape.center = GeoPoint(center[0], center[1])
        shape.is_box = width is not None
        shape.radius = radius
        shape.width = width or 0
        shape.height = height or 0
        shape.unit = 1
        geo_search_begin(&self.search, &shape)

    @property
    def areas(self):
        """The ranges of scores: from, and up to but without."""
        return [(self.search.areas[i].min, self.search.areas[i].max) for i in range(self.search.area_count)]

    def next(self, double score):
        return geo_search_next(&self.search, score)

    def holds(self, double score):
        """The distance of a score's point, or None."""
        cdef double found
        return found if geo_search_holds(&self.search, geo_point(score), &found) else None
