"""The commands on members that lie at points of the earth: sorted sets with their geohashes as scores."""

from zippy._core.ground.buf cimport Slice
from zippy._core.ground.geohash cimport GeoPoint
from zippy._core.commands.types cimport Client, Engine
from zippy._core.resp.writer cimport Reply


# Reads two words; False: replied with an error
cdef bint read_point(Client* c, const Slice* words, GeoPoint* point) noexcept nogil
cdef bint read_unit(Client* c, Slice word, double* meters) noexcept nogil
cdef void reply_point(Reply* r, GeoPoint point) noexcept nogil            # an array of longitude and latitude
cdef void reply_distance(Reply* r, double distance) noexcept nogil        # a bulk string with four decimals
cdef void geoadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void geodist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void geohash_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void geopos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
