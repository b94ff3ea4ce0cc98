"""A small writer and reader of GGUF version 3: just the types that the demo model needs.

A file is a header, key-value metadata, a table of tensors, and their data, each tensor padded to
ALIGNMENT. Everything is little-endian. A tensor's dimensions stand fastest-varying first, the
reverse of NumPy's shape.
"""

import struct

import numpy as np

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # kinds of metadata values
F32, Q8_0 = 0, 8  # kinds of tensors
BLOCK = 32  # values of a q8_0 block, which takes 2 bytes of scale and 32 of values


def quantize_q8_0(matrix):
    """A float matrix as the bytes of q8_0 blocks: an f16 scale, then 32 int8, value = scale * int8."""
    blocks = np.ascontiguousarray(matrix, np.float32).reshape(-1, BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse
    values = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int8)  # half goes away from zero
    return np.concatenate((scale.astype("<f2").view(np.uint8), values.view(np.uint8)), axis=1).tobytes()


def dequantize_q8_0(data, shape):
    blocks = np.frombuffer(data, np.uint8).reshape(-1, 2 + BLOCK)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    return (scale * blocks[:, 2:].copy().view(np.int8)).reshape(shape)


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, content):
    """A metadata value; an array's content is (kind of its elements, elements)."""
    if kind == ARRAY:
        element, elements = content
        head = struct.pack("<IQ", element, len(elements))
        return head + b"".join(value(element, one) for one in elements)
    if kind == STRING:
        return string(content)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], content)


def padded(data):
    return data + bytes(-len(data) % ALIGNMENT)


def write(path, metadata, tensors):
    """`metadata`: (key, kind, content) rows; `tensors`: name -> float array, matrices become q8_0."""
    head = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    for key, kind, content in metadata:
        head += string(key) + struct.pack("<I", kind) + value(kind, content)
    body = b""
    for name, tensor in tensors.items():
        kind = Q8_0 if tensor.ndim == 2 else F32
        data = quantize_q8_0(tensor) if kind == Q8_0 else tensor.astype("<f4").tobytes()
        head += string(name) + struct.pack("<I", tensor.ndim)
        head += struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape))
        head += struct.pack("<IQ", kind, len(body))
        body += padded(data)
    path.write_bytes(padded(head) + body)


class Reader:
    """The metadata (key -> value) and tensors (name -> float array) of a file that `write` made."""

    def __init__(self, path):
        self.data, self.at = path.read_bytes(), 0
        if self.take(4) != MAGIC or self.number("<I") != VERSION:
            raise ValueError(f"{path} is not GGUF version {VERSION}")
        tensor_count, value_count = self.number("<Q"), self.number("<Q")
        self.metadata = {}
        for _ in range(value_count):
            key = self.string()
            self.metadata[key] = self.value(self.number("<I"))
        rows = [self.tensor_row() for _ in range(tensor_count)]
        start = self.at + -self.at % ALIGNMENT
        self.tensors = {name: self.tensor(start + at, kind, shape) for name, shape, kind, at in rows}

    def take(self, count):
        self.at += count
        if self.at > len(self.data):
            raise ValueError("the file ends too early")
        return self.data[self.at - count : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self):
        return self.take(self.number("<Q")).decode()

    def value(self, kind):
        if kind == ARRAY:
            element, count = self.number("<I"), self.number("<Q")
            return [self.value(element) for _ in range(count)]
        if kind == STRING:
            return self.string()
        return self.number({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind])

    def tensor_row(self):
        name, dimensions = self.string(), self.number("<I")
        shape = tuple(self.number("<Q") for _ in range(dimensions))[::-1]
        return name, shape, self.number("<I"), self.number("<Q")

    def tensor(self, start, kind, shape):
        count = int(np.prod(shape))
        if kind == F32:
            return np.frombuffer(self.data, "<f4", count, start).reshape(shape)
        if kind == Q8_0:
            size = count // BLOCK * (2 + BLOCK)
            return dequantize_q8_0(self.data[start : start + size], shape)
        raise ValueError(f"tensor kind {kind} is not one that this tool writes")
