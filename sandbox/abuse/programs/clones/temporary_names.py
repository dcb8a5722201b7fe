# Tries: guess the names of another session's temporary files.
# Contained: no two sessions use the same.
# Twice: differs
import tempfile

print(tempfile.mktemp())
print(next(tempfile._get_candidate_names()))
