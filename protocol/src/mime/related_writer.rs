use super::{Boundary, MULTIPART_RELATED, is_content_token};
use crate::wire::{Error, ErrorKind, Writer};

/// One part to write; its content goes out as it is (`Content-Transfer-Encoding: binary`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// `type/subtype`.
    pub media_type: &'a str,
    /// The token that other parts refer to.
    pub content_id: &'a str,
    /// The octets, which must not contain the boundary.
    pub content: &'a [u8],
}

/// Writes a multipart/related body (RFC 2046, 2387) into the caller's buffer; the first piece is the root.
#[derive(Debug)]
pub struct RelatedWriter<'b, 'm> {
    out: Writer<'b>,
    boundary: Boundary<'m>,
}

impl<'b, 'm> RelatedWriter<'b, 'm> {
    /// Octets that a piece needs beside its content, media type, Content-ID and the boundary.
    pub const PIECE_OVERHEAD: usize = 75;
    /// Octets that the end of the body needs beside the boundary.
    pub const CLOSING_OVERHEAD: usize = 8;

    /// Starts an empty body.
    pub const fn new(out: &'b mut [u8], boundary: Boundary<'m>) -> Self {
        Self { out: Writer::new(out), boundary }
    }

    /// Appends a part. Refuses a Content-ID outside the profile's rule (`BadValue`) and one that does not fit
    /// (`NoRoom`); then the body is incomplete and of no use.
    pub fn piece(&mut self, piece: &Piece<'_>) -> Result<(), Error> {
        if !is_content_token(piece.content_id) {
            return Err(Error::new(ErrorKind::BadValue, self.out.at()));
        }
        self.delimiter()?;
        for text in [
            "\r\nContent-Type: ",
            piece.media_type,
            "\r\nContent-ID: <",
            piece.content_id,
            ">\r\nContent-Transfer-Encoding: binary\r\n\r\n",
        ] {
            self.out.put(text.as_bytes())?;
        }
        self.out.put(piece.content)
    }

    /// Writes the closing delimiter and returns the body.
    pub fn finish(mut self) -> Result<&'b [u8], Error> {
        self.delimiter()?;
        self.out.put(b"--\r\n")?;
        Ok(self.out.finish())
    }

    fn delimiter(&mut self) -> Result<(), Error> {
        if self.out.at() > 0 {
            self.out.put(b"\r\n")?;
        }
        self.out.put(b"--")?;
        self.out.put(self.boundary.as_str().as_bytes())
    }
}

impl Boundary<'_> {
    /// Writes the Content-Type of a body with this boundary whose root is `root`.
    pub fn content_type(&self, root: &Piece<'_>, out: &mut Writer<'_>) -> Result<(), Error> {
        let quote = if self.needs_quotes() { "\"" } else { "" };
        let texts = [
            MULTIPART_RELATED,
            "; type=\"",
            root.media_type,
            "\"; start=\"<",
            root.content_id,
            ">\"; boundary=",
            quote,
            self.as_str(),
            quote,
        ];
        texts.into_iter().try_for_each(|text| out.put(text.as_bytes()))
    }
}
