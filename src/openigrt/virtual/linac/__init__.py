"""The virtual linac: devices behind the ports of `machine`, with errors that are known on every axis."""
