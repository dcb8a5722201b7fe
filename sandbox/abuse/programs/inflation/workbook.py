# Tries: read a small workbook whose sheet inflates to more than the memory it may have.
# Contained: a MemoryError, or the end of the session.
import zipfile

pd.DataFrame({"a": [1]}).to_excel("book.xlsx", index=False)
with zipfile.ZipFile("book.xlsx") as book, zipfile.ZipFile("bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
    for name in book.namelist():
        if not name.endswith("sheet1.xml"):
            bomb.writestr(name, book.read(name))
            continue
        with bomb.open(name, "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>')
            for _ in range(memory_limit * 5 // 4 >> 20):
                sheet.write(b"x" * (1 << 20))
            sheet.write(b"</t></is></c></row></sheetData></worksheet>")
table = pd.read_excel("bomb.xlsx", header=None)
print("ESCAPED: a table of", table.memory_usage(deep=True).sum(), "bytes")
