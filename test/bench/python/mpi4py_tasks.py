"""No-op tasks by mpi4py.futures, on two worker processes: mpiexec -n 3 python3 -m mpi4py.futures mpi4py_tasks.py ..."""
import json
import statistics
import sys
import time

from mpi4py.futures import MPIPoolExecutor


def noop(item):
    return item["i"]


def main():
    tasks, trips, chunk = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with MPIPoolExecutor() as executor:
        list(executor.map(noop, [{"i": i, "s": "abc"} for i in range(1000)], chunksize=chunk))
        items = [{"i": i, "s": "abc"} for i in range(tasks)]
        began = time.perf_counter()
        total = sum(executor.map(noop, items, chunksize=chunk))
        seconds = time.perf_counter() - began
        assert total == tasks * (tasks - 1) // 2
        times = []
        for i in range(trips):
            sent = time.perf_counter()
            executor.submit(noop, {"i": i, "s": "abc"}).result()
            times.append(time.perf_counter() - sent)
        print(json.dumps({"tasks_per_s": tasks / seconds, "p50_us": 1e6 * statistics.median(times)}))


if __name__ == "__main__":
    main()
