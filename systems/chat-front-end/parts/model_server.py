"""llama.cpp's server with one key, which is fixed from its start.

usage: MODEL_KEY=... model_server.py MODEL PORT
"""

import os
import signal
import sys

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[2])
parameters.api_keys = [os.environ["MODEL_KEY"]]
parameters.n_ctx = 16384
parameters.n_parallel = 4
parameters.model_alias = {"tiny"}
parameters.warmup = False
parameters.cpuparams.n_threads = 1
server = xllamacpp.Server(parameters)
print("listening on", server.listening_address, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
os._exit(0) # requests that still stream would keep the server
