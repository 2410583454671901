"""Records: the revisions of service records as attendance reported them, and which of them stand."""
