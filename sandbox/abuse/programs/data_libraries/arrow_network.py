# Tries: reach the network by the remote file systems of pyarrow.
# Contained: the listener gets no connection.
# Limits: seconds=6
from pyarrow import fs

for make in (
    lambda: fs.S3FileSystem(endpoint_override=f"127.0.0.1:{port}", scheme="http", anonymous=True, region="us-east-1", connect_timeout=1, request_timeout=1,
                            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1)),
    lambda: fs.FileSystem.from_uri(f"hdfs://127.0.0.1:{port}/")[0],
):
    try:
        print("ESCAPED:", make().get_file_info(fs.FileSelector("bucket")))
    except Exception as e:
        print(type(e).__name__, str(e)[:200])
