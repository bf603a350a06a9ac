"""What may stand in an RDB file where a key's type does."""

cdef enum RdbOp:
    OP_SLOT_INFO = 244
    OP_FUNCTION = 245
    OP_FUNCTION_OLD = 246
    OP_MODULE_AUX = 247
    OP_IDLE = 248
    OP_FREQ = 249
    OP_AUX = 250
    OP_SIZES = 251
    OP_EXPIRY_MS = 252
    OP_EXPIRY_SECONDS = 253
    OP_DATABASE = 254
    OP_END = 255
