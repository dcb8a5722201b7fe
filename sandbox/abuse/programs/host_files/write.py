# Tries: leave a file in a folder of the host that everybody may write to.
# Contained: the folder stays empty.
# Alone: escapes
with open(host_dir + "/left.txt", "w") as file:
    file.write("left by the program")
print("ESCAPED: wrote into", host_dir)
