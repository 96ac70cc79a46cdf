// Makes standard output block while the host does not read, as it does on Windows.
process.stdout._handle.setBlocking(true);
