# Tries: read a tiny picture that says it has ten gigapixels.
# Contained: an exception, or the end of the session.
import struct
import zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

with open("bomb.png", "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)))
    file.write(chunk(b"IDAT", zlib.compress(bytes(1 << 24), 9)) + chunk(b"IEND", b""))
import matplotlib.image

picture = matplotlib.image.imread("bomb.png")
print("ESCAPED: a picture of", picture.nbytes, "bytes")
