// How long the path of a Unix socket may be.

/** sun_path of unix(4) on FreeBSD holds 104 bytes with the final nought, on Linux 108 (unix(7)). */
export const socketPathBytesMax = 103;
