//! Character sets: what the readers of documents can read.

use kedge_protocol::mime::MediaType;
use kedge_protocol::wap::{ContentType, ParameterCode};

/// IANA's number of US-ASCII.
const ASCII: u32 = 3;
/// IANA's number of UTF-8.
const UTF_8: u32 = 106;

/// Whether the text of this media type can be read: it names no character set, UTF-8 or US-ASCII. WBXML says in its own
/// header what it is, and octets have none.
pub fn is_readable(media_type: &MediaType<'_>) -> bool {
    let Some(charset) = media_type.parameter("charset") else { return true };
    let is = |name: &str| charset.chars().map(|c| c.to_ascii_lowercase()).eq(name.chars());
    !is_text(media_type) || is("utf-8") || is("us-ascii")
}

/// The same for the content type of a push, which names the character set by its number or, as text, by its name.
pub fn is_readable_push(content_type: &ContentType<'_>) -> bool {
    let Some(Ok(media_type)) = content_type.media.name().map(MediaType::parse) else { return true };
    let Some(charset) = content_type.parameters.get(ParameterCode::CHARSET) else { return true };
    let named = |name: &str| charset.text().is_some_and(|text| text.eq_ignore_ascii_case(name));
    !is_text(&media_type)
        || matches!(charset.integer(), Some(ASCII | UTF_8))
        || named("utf-8")
        || named("us-ascii")
}

/// Whether the content is text; types that have a binary form of their own are not.
fn is_text(media_type: &MediaType<'_>) -> bool {
    let essence = media_type.essence().as_bytes();
    let ends = |with: &[u8]| {
        let last = essence.len().checked_sub(with.len()).and_then(|at| essence.get(at..));
        last.is_some_and(|last| last.eq_ignore_ascii_case(with))
    };
    media_type.is_type("text") || ends(b"xml") && !ends(b"wbxml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kedge_protocol::wap::{Media, MediaCode, Parameter, ParameterName, Parameters, Value};
    use kedge_protocol::wire::Writer;

    #[test]
    fn text_is_utf_8_and_binary_forms_speak_for_themselves() {
        let readable = |text| is_readable(&MediaType::parse(text).unwrap());
        assert!(readable("text/vnd.wap.connectivity-xml"));
        assert!(readable("text/vnd.wap.connectivity-xml; charset=\"UTF-8\""));
        assert!(readable("application/iota.mmc-xml; charset=us-ascii"));
        assert!(!readable("text/vnd.wap.connectivity-xml; charset=iso-8859-1"));
        assert!(!readable("application/iota.mmc-xml; charset=utf-16"));
        assert!(readable("application/vnd.wap.connectivity-wbxml; charset=iso-8859-1"));
    }

    #[test]
    fn pushes_name_it_by_number_or_text() {
        let readable = |media, value| {
            let mut buf = [0; 32];
            let mut w = Writer::new(&mut buf);
            let name = ParameterName::Code(ParameterCode::CHARSET);
            Parameter { name, value }.write(&mut w).unwrap();
            let parameters = Parameters::new(w.finish()).unwrap();
            is_readable_push(&ContentType { media: Media::Code(media), parameters })
        };
        assert!(readable(MediaCode::SI_XML, Value::Short(106)));
        assert!(readable(MediaCode::SI_XML, Value::Short(3)));
        assert!(!readable(MediaCode::SI_XML, Value::Short(4)));
        assert!(!readable(MediaCode::SI_XML, Value::Octets(&[0x03, 0xE8])));
        assert!(readable(MediaCode::SI_XML, Value::Text(b"Utf-8")));
        assert!(!readable(MediaCode::SI_XML, Value::Text(b"big5")));
        assert!(readable(MediaCode::SI, Value::Short(4)));
    }
}
