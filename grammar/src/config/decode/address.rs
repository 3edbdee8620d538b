//! `base_url`: checked, and brought to one shape without a trailing slash and with a version segment.

use super::target::{KNOWN, Provider, no_address};
use crate::codes::BAD_VALUE;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// What clients add to an address themselves; it must not be there already.
const ENDPOINTS: &[&str] = &["/chat/completions", "/completions", "/embeddings", "/responses", "/models"];

/// The address of a target: its own, or its provider's.
pub(super) fn read(
    reader: &mut Reader,
    block: &Mapping,
    provider: Option<&Provider>,
    allow_insecure: bool,
) -> Option<Spanned<String>> {
    let Some(field) = block.get("base_url") else {
        let provider = provider?;
        match provider.known() {
            Some(known) => return Some(provider.at(known.base_url)),
            None => no_address(reader, block, provider),
        }
        return None;
    };
    let written = field.text(reader)?;
    match normalised(&written.value, allow_insecure) {
        Ok(address) => Some(written.map(|_| address)),
        Err(refused) => {
            report(reader, &field, &refused);
            None
        }
    }
}

/// The address of a collector: checked, and without a trailing slash.
pub(super) fn collector(reader: &mut Reader, field: &Field, allow_insecure: bool) -> Option<Spanned<String>> {
    let written = field.text(reader)?;
    let address =
        split(&written.value, allow_insecure, &COLLECTOR).and_then(|Split { scheme, authority, path }| {
            let path = path.trim_end_matches('/');
            if path.split('/').skip(1).any(is_odd) {
                return Err(refused("this address has an odd path", COLLECTOR.plain));
            }
            Ok(format!("{scheme}://{authority}{path}"))
        });
    match address {
        Ok(address) => Some(written.map(|_| address)),
        Err(refused) => {
            report(reader, field, &refused);
            None
        }
    }
}

/// What is said of an address that is refused.
struct Words {
    plain: &'static str,
    key: &'static str,
    insecure: &'static str,
    trusted: &'static str,
}

const TARGET: Words = Words {
    plain: "write `https://host/v1`",
    key: "put the key into the environment and name it in `secret_key_ref`",
    insecure: "`http` would send the key and every prompt unencrypted",
    trusted: "use `https`, or set `allow_insecure: true` on the target if the network can be trusted",
};

const COLLECTOR: Words = Words {
    plain: "write `https://host:4318`",
    key: "put the key into the environment and name it in `headers`",
    insecure: "`http` would send what is recorded unencrypted",
    trusted: "use `https`, or set `allow_insecure: true` beside it if the network can be trusted",
};

/// Why an address is refused.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    message: &'static str,
    help: &'static str,
    /// Whether the address may hold a secret.
    secret: bool,
}

const fn refused(message: &'static str, help: &'static str) -> Refused {
    Refused { message, help, secret: false }
}

fn report(reader: &mut Reader, field: &Field, refused: &Refused) {
    if refused.secret {
        reader.hide(field.node.span);
    }
    let found = Diagnostic::error(BAD_VALUE, field.node.span, refused.message);
    reader.report(found.help(refused.help).path(field.path.as_str()));
}

fn normalised(written: &str, allow_insecure: bool) -> Result<String, Refused> {
    let Split { scheme, authority, path } = split(written, allow_insecure, &TARGET)?;
    Ok(format!("{scheme}://{authority}{}", versioned(&authority, path)?))
}

/// The parts of an address.
struct Split<'w> {
    scheme: String,
    authority: String,
    path: &'w str,
}

fn split<'w>(written: &'w str, allow_insecure: bool, words: &Words) -> Result<Split<'w>, Refused> {
    let Words { plain, key, insecure, trusted } = *words;
    if written.contains('@') {
        return Err(Refused { secret: true, ..refused("an address must not hold a user or password", key) });
    }
    if written.contains(['?', '#']) {
        let message = "an address must not have a `?` query or a `#` fragment";
        return Err(Refused { secret: true, ..refused(message, plain) });
    }
    let Some((scheme, rest)) = written.split_once("://") else {
        return Err(refused("an address must start with `https://`", plain));
    };
    let scheme = scheme.to_lowercase();
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let authority = authority.to_lowercase();
    let host = host(&authority).ok_or(refused("this address has no valid host and port", plain))?;
    match scheme.as_str() {
        "https" => {}
        "http" if allow_insecure || is_loopback(host) => {}
        "http" => return Err(refused(insecure, trusted)),
        _ => return Err(refused("an address must start with `https://` or `http://`", plain)),
    }
    Ok(Split { scheme, authority, path })
}

/// Whether a segment of a path can mean something else than it says.
fn is_odd(segment: &str) -> bool {
    segment.is_empty()
        || segment == "."
        || segment == ".."
        || !segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~:+=,!$()*".contains(&b))
}

/// The path without a trailing slash, with its version segment.
fn versioned(authority: &str, path: &str) -> Result<String, Refused> {
    let path = path.trim_end_matches('/');
    if let Some(own) =
        KNOWN.iter().find_map(|known| own_path(known.base_url, authority)).filter(|_| path.is_empty())
    {
        return Ok(own.to_owned());
    }
    if ENDPOINTS.iter().any(|endpoint| path.ends_with(endpoint)) {
        let help = "leave out what follows the version, such as `/chat/completions`";
        return Err(refused("this is the address of one endpoint, not of the API", help));
    }
    let segments = || path.split('/').skip(1);
    if segments().any(is_odd) {
        return Err(refused("this address has an odd path", "write `https://host/v1`"));
    }
    let version = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    Ok(if segments().any(version) { path.to_owned() } else { format!("{path}/v1") })
}

/// The path of a provider's own address, when the host is the provider's.
fn own_path(base_url: &'static str, authority: &str) -> Option<&'static str> {
    base_url.strip_prefix("https://")?.strip_prefix(authority).filter(|path| path.starts_with('/'))
}

/// The host of `host[:port]`, if both are well formed.
pub(super) fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port.strip_prefix(':').or((port.is_empty()).then_some("443"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "443")),
    };
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    let port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    (named && port && !host.is_empty() && !host.starts_with(['.', '-'])).then_some(host)
}

/// Whether requests to the host stay on this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn addresses_come_to_one_shape() {
        for (written, shape) in [
            ("https://api.fireworks.ai/inference/v1", "https://api.fireworks.ai/inference/v1"),
            ("https://api.fireworks.ai/inference/v1/", "https://api.fireworks.ai/inference/v1"),
            ("https://api.fireworks.ai/inference", "https://api.fireworks.ai/inference/v1"),
            ("https://api.fireworks.ai", "https://api.fireworks.ai/inference/v1"),
            ("https://api.groq.com/", "https://api.groq.com/openai/v1"),
            ("https://api.openai.com", "https://api.openai.com/v1"),
            ("https://example.com/", "https://example.com/v1"),
            ("HTTPS://Example.com:8443/A/v2", "https://example.com:8443/A/v2"),
            ("https://example.com/v1beta/openai/", "https://example.com/v1beta/openai"),
            ("http://localhost:9000", "http://localhost:9000/v1"),
            ("http://127.0.0.2:1/v1", "http://127.0.0.2:1/v1"),
            ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ] {
            assert_eq!(normalised(written, false).as_deref(), Ok(shape), "{written}");
        }
    }

    #[test]
    fn unsafe_addresses_are_refused() {
        for written in [
            "api.openai.com/v1",
            "ftp://example.com",
            "https://",
            "https://:80",
            "https://a:0/v1",
            "https://a:65536",
            "https://a b/v1",
            "https://a/v1/../admin",
            "https://a//v1",
            "https://a/%2e%2e/v1",
            "https://a\\b",
            "https://user:pw@a/v1",
            "https://a/v1?key=x",
            "https://a/v1#x",
            "http://example.com",
            "http://localhost.evil.com",
            "http://[::2]",
            "https://[::1",
            "https://api.openai.com/v1/chat/completions",
        ] {
            assert!(normalised(written, false).is_err(), "{written}");
        }
        assert_eq!(normalised("http://10.0.0.7:8000", true).as_deref(), Ok("http://10.0.0.7:8000/v1"));
    }
}
