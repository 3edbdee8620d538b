//! The files that tests stand in: case files beside a configuration, and rule files under a folder.

use std::path::{Path, PathBuf};

use crate::cli::policy::is_rule_file;

/// How deep folders are searched for rule files, and how many are taken.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 1000;

/// The configuration's files: those that are named, or else the usual one where there is one.
pub(super) fn configs(folder: &Path, named: &[PathBuf]) -> Vec<PathBuf> {
    let usual = folder.join("policy-config.yaml");
    match named {
        [] if usual.exists() => vec![usual],
        files => files.to_vec(),
    }
}

/// The folder of the case files beside a configuration.
pub(super) fn folder_of_cases(configs: &[PathBuf]) -> PathBuf {
    configs.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).join("tests")
}

/// The files of cases beside a configuration, in order of their names. There need not be any.
pub(in crate::cli::policy) fn case_files_of(configs: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let is_case = |path: &PathBuf| path.extension().is_some_and(|e| e == "json" || e == "yaml" || e == "yml");
    let folder = folder_of_cases(configs);
    if configs.is_empty() || !folder.exists() {
        return Ok(Vec::new());
    }
    Ok(entries(&folder)?.into_iter().filter(is_case).collect())
}

/// Rule files, and the folders that were searched for them.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
}

impl Found {
    /// The rule files under a folder. A part that was not searched is an error: tests in it would seem to pass.
    pub(super) fn collect(&mut self, folder: &Path, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            let folder = folder.display();
            return Err(format!("`{folder}` is deeper than {MAX_DEPTH} folders; name a nearer `--pack-dir`"));
        }
        self.folders.push(folder.to_owned());
        for path in entries(folder)? {
            let hidden = path.file_name().is_some_and(|name| {
                let name = name.to_string_lossy();
                name.starts_with('.') || name == "target" || name == "node_modules"
            });
            if path.is_dir() {
                if !hidden {
                    self.collect(&path, depth + 1)?;
                }
            } else if is_rule_file(&path) {
                self.files.push(path);
            }
            if self.files.len() > MAX_FILES {
                return Err(format!(
                    "there are more than {MAX_FILES} rule files; name a smaller `--pack-dir`"
                ));
            }
        }
        Ok(())
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot_read = |error| format!("`{}` cannot be read: {error}", folder.display());
    let found = std::fs::read_dir(folder).map_err(cannot_read)?;
    let paths = found.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<PathBuf>>>().map_err(cannot_read)?;
    paths.sort();
    Ok(paths.into_iter().map(|path| path.strip_prefix("./").map_or(path.clone(), Path::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(folder: &Path) -> String {
        Found::default().collect(folder, 0).unwrap_err()
    }

    #[test]
    fn folders_that_cannot_be_searched_to_their_end_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..=MAX_DEPTH).fold(folder.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(&deep).unwrap();
        assert!(refusal(folder.path()).contains("deeper"));
        let many = tempfile::tempdir().unwrap();
        (0..=MAX_FILES).for_each(|i| std::fs::write(many.path().join(format!("{i}.ktr")), "").unwrap());
        assert!(refusal(many.path()).contains("more than"));
        assert!(refusal(&many.path().join("none")).contains("cannot be read"));
    }
}
