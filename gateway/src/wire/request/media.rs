//! Images, sounds, videos and files in a request: how many there are, and where their addresses lead. No policy reads what is in
//! them, and a provider fetches what an address names: from its own network, with its own rights.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use url::{Host, Url};

use super::field::invalid;
use crate::wire::json::Fields as _;
use crate::wire::{Endpoint, Fault};

/// Fields of a part that make it a medium.
const MEDIA: [&str; 8] =
    ["image_url", "video_url", "audio_url", "input_audio", "file", "file_url", "file_data", "file_id"];

/// Those that may hold an address, itself or in a field `url` or `file_url` of theirs.
const ADDRESSES: [&str; 5] = ["image_url", "video_url", "audio_url", "file_url", "file"];

/// Something that no policy reads, or that a provider connects to.
struct Found<'a> {
    path: String,
    /// Its address, if it has one.
    address: Option<&'a str>,
    is_medium: bool,
}

impl Endpoint {
    /// How many images, sounds, videos and files a request has.
    pub(crate) fn media(self, document: &Value) -> i64 {
        let mut count = 0_i64;
        each(self, document, &mut |found| count = count.saturating_add(i64::from(found.is_medium)));
        count
    }

    /// Refuses addresses that a provider could be made to fetch what is nobody's business from. With `hosts` only those are let
    /// through, and they are whatever they are.
    pub(crate) fn check_addresses(self, document: &Value, hosts: Option<&[String]>) -> Result<(), Fault> {
        let mut odd = None;
        each(self, document, &mut |found| {
            let problem = found.address.and_then(|address| problem(address, hosts));
            odd = odd.take().or(problem.map(|problem| (found.path, problem)));
        });
        odd.map_or(Ok(()), |(path, problem)| Err(invalid(&path, problem)))
    }
}

/// What is wrong with an address, if something is. What is no address at all is for the provider to refuse.
fn problem(address: &str, hosts: Option<&[String]>) -> Option<&'static str> {
    let url = Url::parse(address).ok()?;
    match url.scheme() {
        "data" => return None,
        "http" | "https" => {}
        _ => return Some("must be an address with `https`, `http` or `data`"),
    }
    let Some(host) = url.host() else { return Some("must name a host") };
    if let Some(hosts) = hosts {
        let name = host.to_string();
        let name = name.trim_end_matches('.');
        let is_of = |listed: &String| {
            name == listed || name.strip_suffix(listed.as_str()).is_some_and(|front| front.ends_with('.'))
        };
        return (!hosts.iter().any(is_of)).then_some("leads to a host that is not among `media.hosts`");
    }
    let is_private = match host {
        Host::Domain(name) => is_private_name(name.trim_end_matches('.')),
        Host::Ipv4(address) => is_private_v4(address),
        Host::Ipv6(address) => is_private_v6(address),
    };
    is_private.then_some("leads into a private network; list its host under `media.hosts` if that is meant")
}

/// Names that only a machine's own network knows.
fn is_private_name(name: &str) -> bool {
    const ENDS: [&str; 6] = [".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa"];
    !name.contains('.') || ENDS.iter().any(|end| name.ends_with(end))
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && second & 0xC0 == 64)
        || (first == 198 && second & 0xFE == 18)
        || (first, second, third) == (192, 0, 0)
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    let [_, _, e, f, g, h, .., a, b, c, d] = address.octets();
    let embedded = Ipv4Addr::new(a, b, c, d);
    let is_nat64 = address.segments().starts_with(&[0x64, 0xFF9B]);
    address.is_multicast()
        || first & 0xFE00 == 0xFC00
        || first & 0xFFC0 == 0xFE80
        || (first == 0 && is_private_v4(embedded)) // `::`, `::1`, and addresses of version 4 in another dress
        || (is_nat64 && is_private_v4(embedded))
        || (first == 0x2002 && is_private_v4(Ipv4Addr::new(e, f, g, h)))
        || matches!(IpAddr::V6(address).to_canonical(), IpAddr::V4(address) if is_private_v4(address))
}

fn each<'a>(endpoint: Endpoint, document: &'a Value, visit: &mut dyn FnMut(Found<'a>)) {
    let items =
        |field: &str| document.field(field).and_then(Value::as_array).into_iter().flatten().enumerate();
    match endpoint {
        Endpoint::Chat => {
            for (at, message) in items("messages") {
                parts(message.field("content"), || format!("messages[{at}].content"), visit);
            }
        }
        Endpoint::Completions => {
            for (at, image) in items("images") {
                image_in(image, &format!("images[{at}]"), visit);
            }
        }
        Endpoint::Embeddings => {}
        Endpoint::Responses => {
            for (at, item) in items("input") {
                for list in ["content", "output"] {
                    parts(item.field(list), || format!("input[{at}].{list}"), visit);
                }
                if item.field("type").and_then(Value::as_str) == Some("image_generation_call") {
                    visit(Found { path: format!("input[{at}]"), address: None, is_medium: true });
                }
            }
            for (at, tool) in items("tools") {
                if let Some(address) = tool.field("server_url").and_then(Value::as_str) {
                    let path = format!("tools[{at}].server_url");
                    visit(Found { path, address: Some(address), is_medium: false });
                }
            }
        }
    }
}

/// A picture of a completion; there may be a list of them for each prompt.
fn image_in<'a>(image: &'a Value, path: &str, visit: &mut dyn FnMut(Found<'a>)) {
    match image {
        Value::Array(images) => {
            for (at, image) in images.iter().enumerate() {
                image_in(image, &format!("{path}[{at}]"), visit);
            }
        }
        other => visit(Found { path: path.to_owned(), address: other.as_str(), is_medium: true }),
    }
}

/// The parts of a content; one alone may stand in its place. Most are texts, whose paths nobody asks for.
fn parts<'a>(content: Option<&'a Value>, path: impl Fn() -> String, visit: &mut dyn FnMut(Found<'a>)) {
    match content {
        Some(Value::Array(all)) => {
            for (at, part) in all.iter().enumerate() {
                part_of(part, || format!("{}[{at}]", path()), visit);
            }
        }
        Some(part) => part_of(part, path, visit),
        None => {}
    }
}

fn part_of<'a>(part: &'a Value, path: impl Fn() -> String, visit: &mut dyn FnMut(Found<'a>)) {
    if !MEDIA.iter().any(|field| part.field(field).is_some_and(|value| !value.is_null())) {
        return;
    }
    let path = path();
    visit(Found { path: path.clone(), address: None, is_medium: true });
    for field in ADDRESSES {
        let Some(value) = part.field(field) else { continue };
        let inner =
            ["url", "file_url"].into_iter().map(|name| (format!("{path}.{field}.{name}"), value.field(name)));
        for (path, value) in std::iter::once((format!("{path}.{field}"), Some(value))).chain(inner) {
            if let Some(address) = value.and_then(Value::as_str) {
                visit(Found { path, address: Some(address), is_medium: false });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_known_in_every_dress() {
        for address in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "https://user@10.0.0.1:8443/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:a00:1::1]/",
            "http://100.64.0.1/",
            "http://0/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://metadata.google.internal/",
            "http://minio/",
            "http://printer.local/",
            "http://①②⑦.⓪.⓪.①/",
            "ht\ntp://127.0.0.1/",
            "  http://127.0.0.1/",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1\\",
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "ftp://example.com/",
            "gopher://example.com/",
        ] {
            assert!(problem(address, None).is_some(), "{address}");
        }
        for address in [
            "https://example.com/a.png",
            "http://93.184.216.34/",
            "http://[2606:2800:220:1::1]/",
            "data:image/png;base64,AAAA",
            "/9j/4AAQSkZJRg",
            "file-abc",
        ] {
            assert_eq!(problem(address, None), None, "{address}");
        }
    }

    #[test]
    fn listed_hosts_are_the_only_ones() {
        let hosts = ["cdn.example.com".to_owned(), "10.0.0.5".to_owned()];
        let is_let_through = |address: &str| problem(address, Some(&hosts)).is_none();
        assert!(is_let_through("https://cdn.example.com/a"));
        assert!(is_let_through("https://a.cdn.example.com./a"));
        assert!(is_let_through("http://10.0.0.5/a"));
        assert!(is_let_through("data:image/png;base64,AAAA"));
        assert!(!is_let_through("https://xcdn.example.com/a"));
        assert!(!is_let_through("https://example.com/a"));
        assert!(!is_let_through("http://10.0.0.6/a"));
    }
}
