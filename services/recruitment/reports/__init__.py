"""The district report: figures of a period, each with its formula."""
