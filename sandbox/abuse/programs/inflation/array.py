# Tries: load an array whose header promises more than the memory it may have.
# Contained: a MemoryError or a ValueError.
import io

header = io.BytesIO()
np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
with open("bomb.npy", "wb") as file:
    file.write(header.getvalue())
array = np.load("bomb.npy")
print("ESCAPED: an array of", array.nbytes, "bytes")
