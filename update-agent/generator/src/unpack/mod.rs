//! Compressed content: what an image holds unpacked.
mod deflate;
mod lzma;
