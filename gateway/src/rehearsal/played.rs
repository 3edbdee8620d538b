//! An exchange played under watch: the decision, every rule's account, what it cost, and what held the answer back.

use engine::Claim;
use engine::explain::{self, Account};
use engine::holdback::{self, Longest};
use engine::input::Channel;
use engine::run::tally::Tally;
use engine::verdict::{Decision, Finding, Report, Site};
use grammar::ast::Phase;
use grammar::diagnostic::did_you_mean;

use super::exchange::Exchange;
use super::need;
use crate::packs::Pack;

/// What is told of an exchange.
pub(crate) struct Played {
    pub(crate) decision: Decision,
    pub(crate) report: Report,
    /// The rules that are told of.
    pub(crate) accounts: Vec<Account>,
    /// The strings of the request, with who speaks.
    pub(crate) texts: Vec<(&'static str, String)>,
    /// The texts of the answer.
    pub(crate) said: Vec<(Channel, String)>,
    /// What got through.
    pub(crate) output: Option<String>,
    /// What each phase that took place cost.
    pub(crate) costs: Vec<(Phase, Cost)>,
    pub(crate) held: Option<Longest>,
    /// What it would take of budgets.
    pub(crate) reserved: Vec<Reserved>,
}

/// What is reserved of a budget before the request is sent.
pub(crate) struct Reserved {
    pub(crate) claim: Claim,
    /// Nothing where no price is known.
    pub(crate) amount: Option<u64>,
}

impl Reserved {
    /// How much, of what, and for whom.
    pub(crate) fn sentence(&self) -> String {
        let Claim { limit, window, whose, .. } = &self.claim;
        let amount = match self.amount {
            Some(amount) => format!("up to {}", self.claim.amount(amount)),
            None => "an unknown amount (no price is known)".to_owned(),
        };
        let names = whose.iter().map(|name| name.as_deref().unwrap_or("nobody named"));
        let whose: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let whose = if whose.is_empty() { String::new() } else { format!(" for {}", whose.join(", ")) };
        format!("{amount} of {} per {}{whose}", self.claim.amount(*limit), window.name())
    }
}

/// What judging one phase took.
pub(crate) struct Cost {
    /// Parts of conditions that were evaluated.
    pub(crate) nodes: usize,
    /// Texts and their bytes.
    pub(crate) texts: usize,
    pub(crate) bytes: usize,
    /// Scripts that were called: name, calls, operations.
    pub(crate) scripts: Vec<(String, usize, u64)>,
}

/// Plays the exchange twice: as it is, and with the answer cut into characters.
pub(crate) fn play(exchange: Exchange, pack: &Pack) -> Result<Played, String> {
    let (texts, mut said) = (exchange.texts()?, exchange.said());
    let mut slow = pack.session();
    let document = exchange.document();
    let asked = exchange.asked(&document, pack)?;
    let step = slow.request(&asked);
    let need = need(pack, &document, &asked, &step);
    let reserved =
        step.claims.iter().map(|claim| Reserved { amount: need.amount(claim), claim: claim.clone() });
    let reserved = reserved.collect();
    let request_stops = step.decision.verdict.stops();
    if request_stops {
        said.clear();
    }
    let answered = exchange.is_answered() && !request_stops;
    let pieces: Vec<_> = said.iter().map(|(channel, text)| (*channel, text.as_str())).collect();
    let held = holdback::longest(&mut slow, &pieces);
    let mut session = pack.watched();
    let played = exchange.play_in(&mut session, pack)?;
    let tally = session.tally();
    let mut costs =
        vec![(Phase::Request, cost(pack, &tally, Phase::Request, texts.iter().map(|(_, text)| text)))];
    if answered {
        costs.push((Phase::Response, cost(pack, &tally, Phase::Response, said.iter().map(|(_, text)| text))));
    }
    let accounts = explain::account(&pack.program, &tally, &played.report, answered);
    let (decision, report, output) = (played.decision, played.report, played.output);
    Ok(Played { decision, report, accounts, texts, said, output, costs, held, reserved })
}

fn cost<'t>(pack: &Pack, tally: &Tally, phase: Phase, texts: impl Iterator<Item = &'t String>) -> Cost {
    let trace = tally.of(phase);
    let scripts = trace.scripts(&pack.program).into_iter();
    let lengths: Vec<usize> = texts.map(String::len).collect();
    Cost {
        nodes: trace.evaluated(),
        texts: lengths.len(),
        bytes: lengths.iter().sum(),
        scripts: scripts.map(|(name, calls, operations)| (name.to_owned(), calls, operations)).collect(),
    }
}

impl Played {
    /// Keeps the accounts of these rules, if any are named.
    pub(crate) fn keep_rules(&mut self, names: &[String]) -> Result<(), String> {
        let is_it = |account: &Account, name: &String| {
            *account.rule == **name || format!("{}.{}", account.policy, account.rule) == *name
        };
        for name in names {
            if !self.accounts.iter().any(|account| is_it(account, name)) {
                let help = did_you_mean(name, self.accounts.iter().map(|account| &*account.rule));
                let help = help.map_or(String::new(), |help| format!("; {help}"));
                return Err(format!("no rule `{name}` runs here{help}"));
            }
        }
        if !names.is_empty() {
            self.accounts.retain(|account| names.iter().any(|name| is_it(account, name)));
            let accounts = &self.accounts;
            let is_told = |of: &Reserved| {
                accounts
                    .iter()
                    .any(|account| *account.policy == *of.claim.policy() && *account.rule == *of.claim.rule())
            };
            self.reserved.retain(is_told);
        }
        Ok(())
    }

    /// All findings that are told of, in order of their places.
    pub(crate) fn findings(&self) -> Vec<&Finding> {
        let told = |finding: &&Finding| {
            self.accounts
                .iter()
                .any(|account| account.policy == finding.policy && account.rule == finding.rule)
        };
        let all = self.report.policies.iter().flat_map(|policy| &policy.findings);
        let mut findings: Vec<&Finding> = all.filter(told).collect();
        findings.sort_by_key(|finding| (finding.site, finding.range.start, finding.range.end));
        findings
    }

    /// A text in which something was found, with a name for it.
    pub(crate) fn text(&self, site: Site) -> (String, &str) {
        match site {
            Site::Request(index) => {
                let (role, text) =
                    self.texts.get(index).map_or(("", ""), |(role, text)| (*role, text.as_str()));
                (format!("request, text {index} ({role})"), text)
            }
            Site::Response(channel) => {
                let said = self.said.iter().find(|(of, _)| *of == channel);
                let name = format!("answer, choice {} ({})", channel.choice, channel.carrier.name());
                (name, said.map_or("", |(_, text)| text))
            }
        }
    }
}
