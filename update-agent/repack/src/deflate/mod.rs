//! DEFLATE (RFC 1951), inside zlib (RFC 1950), gzip (RFC 1952) and ZIP.
