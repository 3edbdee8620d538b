//! `reload:`.

use crate::config::Reload;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// When changes of the files are taken up.
pub(super) fn reload(reader: &mut Reader, root: &Mapping) -> Reload {
    let usual = Reload::default();
    let block = root.get("reload").and_then(|field| field.mapping(reader, &["watch", "interval_ms"]));
    let Some(block) = block else { return usual };
    let watch = block.get("watch").and_then(|field| field.flag(reader));
    let interval = block.get("interval_ms").and_then(|field| field.whole(reader, 50..=3_600_000));
    Reload {
        watch: watch.map_or(usual.watch, |flag| flag.value),
        interval_ms: interval.unwrap_or(usual.interval_ms),
    }
}
