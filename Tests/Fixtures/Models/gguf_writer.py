"""Writes GGUF files with tensors in f32."""
import struct


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(v):
    if isinstance(v, bool):
        return 7, struct.pack("<?", v)
    if isinstance(v, int):
        return 4, struct.pack("<I", v)
    if isinstance(v, float):
        return 6, struct.pack("<f", v)
    if isinstance(v, str):
        return 8, string(v)
    # Token types are signed in GGUF, and no other array here is of integers.
    kind = 5 if isinstance(v[0], int) else value(v[0])[0]
    return 9, struct.pack("<IQ", kind, len(v)) + b"".join(value(e)[1] for e in v)


def write(path, metadata, tensors):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, v in metadata.items():
        kind, data = value(v)
        out += string(key) + struct.pack("<I", kind) + data
    offset, body = 0, b""
    for name, shape, values in tensors:
        out += string(name) + struct.pack("<I", len(shape))
        out += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", 0, offset)
        data = struct.pack(f"<{len(values)}f", *values)
        body += data + bytes(-len(data) % 32)
        offset = len(body)
    out += bytes(-len(out) % 32)
    with open(path, "wb") as file:
        file.write(out + body)
