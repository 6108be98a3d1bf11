//! `kedge open --register`: files of the known types open with `kedge` on a desktop (shared-mime-info and desktop-entry of
//! freedesktop.org).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Exit, Surroundings};

/// Where each file goes below the data folder, and what is in it.
const FILES: [(&str, &str, &str); 2] = [
    ("mime/packages", "kedge.xml", include_str!("../../desktop/kedge.xml")),
    ("applications", "kedge.desktop", include_str!("../../desktop/kedge.desktop")),
];

/// Writes both files below `folder`, else below the user's data folder.
pub(super) fn run(folder: Option<&Path>, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let folder = match folder {
        Some(folder) => folder.to_path_buf(),
        None => data_folder()?,
    };
    for (place, name, text) in FILES {
        let place = folder.join(place);
        fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
        let path = place.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(surroundings.out, "{}", path.display())?;
    }
    writeln!(surroundings.out, "now run: update-mime-database {}", folder.join("mime").display())?;
    Ok(Exit::Passed)
}

/// The base directory of the user's data, as the XDG specification has it.
fn data_folder() -> anyhow::Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
        (Some(data), _) => Ok(data),
        (None, Some(home)) => Ok(home.join(".local/share")),
        (None, None) => bail!("neither XDG_DATA_HOME nor HOME is set; name a folder"),
    }
}
