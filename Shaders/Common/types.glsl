// The empty include that keeps the folder.
