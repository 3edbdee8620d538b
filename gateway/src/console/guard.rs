//! Who may look: on loopback whoever is there, elsewhere whoever has the token; never a page of somebody else.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use super::AT;
use crate::live::Live;
use crate::secret::Secret;
use crate::wire::Fault;

/// Where the operator's address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Only programs of this machine come there.
    Loopback,
    /// Others may.
    Elsewhere,
}

/// Lets a request to the console through, or says why not. The page itself holds no data, so it is sent without a token,
/// and asks for it.
pub(super) fn check(live: &Live, place: Place, head: &Parts) -> Result<(), Fault> {
    let gateway = live.now();
    let token = gateway.admin_token.as_ref();
    if token.is_none() && place == Place::Elsewhere {
        return Err(forbidden(
            "console_off",
            "the console is off: the operator's address is not loopback, and no `admin.token_ref` is configured",
        ));
    }
    if head.uri.path().starts_with(&format!("{AT}/api/")) {
        return check_operator(token, place, &head.headers);
    }
    check_name(token, place, &head.headers)
}

/// Lets a request for what the operator alone may see or do through. Pages of other sites may not ask.
pub(crate) fn check_operator(token: Option<&Secret>, place: Place, headers: &HeaderMap) -> Result<(), Fault> {
    check_name(token, place, headers)?;
    if comes_from_elsewhere(headers) {
        return Err(forbidden("cross_site", "pages of other sites may not ask for this"));
    }
    check_token(token, headers)
}

/// Without a token the name that a browser has asked for must be loopback's own: a page elsewhere could point its own
/// name at this address, and would then be let read.
fn check_name(token: Option<&Secret>, place: Place, headers: &HeaderMap) -> Result<(), Fault> {
    if token.is_none() && place == Place::Loopback && !is_loopback(headers) {
        let message = "ask for it at `localhost` or `127.0.0.1`, or configure `admin.token_ref`";
        return Err(forbidden("host_not_allowed", message));
    }
    Ok(())
}

/// Asks for the token, when there is one to ask for.
fn check_token(token: Option<&Secret>, headers: &HeaderMap) -> Result<(), Fault> {
    let Some(token) = token else { return Ok(()) };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let brought = values.next().and_then(|value| value.to_str().ok()?.split_once(' '));
    let brought =
        brought.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") && values.next().is_none());
    match brought {
        Some((_, brought)) if token.is(brought.trim()) => Ok(()),
        Some(_) | None => {
            let message = "the operator's token is missing or wrong; send it as `authorization: Bearer …`";
            Err(Fault::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_admin_token", message))
        }
    }
}

/// Whether the only host that is named is loopback's.
fn is_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(host) = host.filter(|_| hosts.next().is_none()) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    let is_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}

/// Whether a browser says that another site asks.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// A body must say that it is JSON: pages of other sites cannot without being asked back.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Fault> {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "the body must be JSON, with `content-type: application/json`";
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Fault::new(status, "invalid_request_error", "unsupported_media_type", message))
}

fn forbidden(code: &'static str, message: &str) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "permission_error", code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_loopback_are_loopback() {
        let is = |hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            hosts.iter().for_each(|host| {
                headers.append(HOST, host.parse().unwrap());
            });
            is_loopback(&headers)
        };
        for good in ["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "127.1.2.3", "[::1]:8081", "[::1]"] {
            assert!(is(&[good]), "{good}");
        }
        for bad in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]",
            "",
            "0.0.0.0",
            "a@localhost.x",
        ] {
            assert!(!is(&[bad]), "{bad}");
        }
        assert!(!is(&[]) && !is(&["localhost", "localhost"]));
    }
}
