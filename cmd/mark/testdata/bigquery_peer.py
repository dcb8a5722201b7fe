# The official client of BigQuery, driven by lines of JSON: each line on standard
# input is a statement, each on standard output says what came of it. Arguments: the
# folder that it was installed to, the address of the API.
import json
import sys
import time

INSTALLED, ENDPOINT = sys.argv[1:3]
sys.path.append(INSTALLED)

import pandas  # noqa: F401 a session of Mark's has it at hand, too
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

client = bigquery.Client(project="acme", credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=ENDPOINT))
print(json.dumps({}), flush=True)
for line in sys.stdin:
    sql = json.loads(line)
    begun = time.perf_counter()
    df = client.query(sql).to_dataframe(create_bqstorage_client=False)
    took = time.perf_counter() - begun
    told = {"took": took, "rows": len(df), "sum": int(df["id"].sum()), "missing": int(df.isna().sum().sum()), "last": str(df.iloc[-1]["at"])}
    del df
    print(json.dumps(told), flush=True)
