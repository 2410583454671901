"""FastStream with whole batches handed over, which is not its default and far quicker."""

from dev.bench.peers.faststream_sum import main

if __name__ == "__main__":
    main(batch=True)
