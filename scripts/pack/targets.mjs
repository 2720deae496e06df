// The platforms for which `npm run pack:linux` makes binaries. Names are napi's and Rust's.

/** The oldest glibc on which the binaries run: that of CentOS 7, as Node's own needs 2.28. */
export const GLIBC = '2.17';

export const TARGETS = [
  { platform: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', libc: 'glibc' },
  { platform: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', libc: 'glibc' },
  { platform: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', libc: 'musl' },
];
