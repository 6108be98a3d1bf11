use super::{Item, Object};
use crate::wbxml::Sink;
use crate::wire::Error;

/// Writes a document of these objects: for operators, and for tests. `version` is that of the document, "1.0" or "1.1".
///
/// Errors of the sink. Whether the objects may stand together, [`super::check()`] tells of the document that results.
pub fn write<'s>(
    sink: &mut impl Sink,
    version: &str,
    objects: impl IntoIterator<Item = Object<'s>>,
) -> Result<(), Error> {
    sink.start("wap-provisioningdoc")?;
    sink.attribute("version", version)?;
    for object in objects {
        sink.start("characteristic")?;
        sink.attribute("type", object.kind().text())?;
        object.items().try_for_each(|item| write_item(sink, item))?;
        sink.end()?;
    }
    sink.end()
}

fn write_item(sink: &mut impl Sink, item: Item<'_>) -> Result<(), Error> {
    match item {
        Item::Parm(name, value) => write_parm(sink, name.text(), value),
        Item::Free(name, value) => write_parm(sink, name, value),
        Item::Open(kind) => {
            sink.start("characteristic")?;
            sink.attribute("type", kind.text())
        }
        Item::Close => sink.end(),
    }
}

fn write_parm(sink: &mut impl Sink, name: &str, value: &str) -> Result<(), Error> {
    sink.start("parm")?;
    sink.attribute("name", name)?;
    if !value.is_empty() {
        sink.attribute("value", value)?;
    }
    sink.end()
}
