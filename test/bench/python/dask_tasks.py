"""No-op tasks by Dask's distributed scheduler, on two worker processes of one thread each."""
import json
import statistics
import sys
import time

from distributed import Client, LocalCluster


def noop(item):
    return item["i"]


def main():
    tasks, trips = int(sys.argv[1]), int(sys.argv[2])
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.gather(client.map(noop, [{"i": i, "s": "abc"} for i in range(1000)], pure=False))
        items = [{"i": i, "s": "abc"} for i in range(tasks)]
        began = time.perf_counter()
        total = sum(client.gather(client.map(noop, items, pure=False)))
        seconds = time.perf_counter() - began
        assert total == tasks * (tasks - 1) // 2
        times = []
        for i in range(trips):
            sent = time.perf_counter()
            client.submit(noop, {"i": i, "s": "abc"}, pure=False).result()
            times.append(time.perf_counter() - sent)
        print(json.dumps({"tasks_per_s": tasks / seconds, "p50_us": 1e6 * statistics.median(times)}))


if __name__ == "__main__":
    main()
