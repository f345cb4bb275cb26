#include "common/src/remote_target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace udsrpc {
namespace {

constexpr absl::string_view kDns = "dns:";
constexpr absl::string_view kIpv4 = "ipv4:";
constexpr absl::string_view kIpv6 = "ipv6:";
constexpr absl::string_view kForms = "write dns:///HOST:PORT, ipv4:ADDRESS:PORT or ipv6:[ADDRESS]:PORT";

absl::Status InvalidTarget(absl::string_view target, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("target \"", absl::CHexEscape(target), "\": ", what));
}

bool IsAddress(int family, const std::string& text) {
  in6_addr address;  // the larger of the two
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool IsName(absl::string_view host) {
  return !host.empty() && absl::c_all_of(host, [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
  });
}

struct ParsedAddress {
  std::string host;
  bool bracketed = false;
  std::optional<int> port;
};

// Of `target`, whose part `text` is.
absl::StatusOr<ParsedAddress> ParseHostAndPort(absl::string_view target, absl::string_view text) {
  ParsedAddress result;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return InvalidTarget(target, "a [ is not closed");
    result.host = std::string(text.substr(0, end));
    result.bracketed = true;
    text.remove_prefix(end + 1);
    if (!IsAddress(AF_INET6, result.host)) {
      return InvalidTarget(target, "what is in brackets is no IPv6 address (one with a zone does not work)");
    }
  } else {
    const size_t end = std::min(text.find(':'), text.size());
    result.host = std::string(text.substr(0, end));
    text.remove_prefix(end);
    if (absl::StrContains(text.substr(std::min<size_t>(1, text.size())), ":")) {
      return InvalidTarget(target, "it has several colons; write an IPv6 address in brackets, as in [::1]:443");
    }
    if (!IsName(result.host)) return InvalidTarget(target, absl::StrCat("there is no host in it; ", kForms));
  }
  if (text.empty()) return result;
  int port;
  if (!absl::ConsumePrefix(&text, ":") || text.empty() || !absl::c_all_of(text, absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &port) || port > 65535) {
    return InvalidTarget(target, "the port is no number from 0 to 65535");
  }
  result.port = port;
  return result;
}

// One address with its port.
absl::StatusOr<ParsedAddress> ParseAddress(absl::string_view target, absl::string_view text, int family) {
  absl::StatusOr<ParsedAddress> parsed = ParseHostAndPort(target, text);
  if (!parsed.ok()) return parsed;
  if (parsed->bracketed != (family == AF_INET6) || !IsAddress(family, parsed->host)) {
    return InvalidTarget(target, family == AF_INET ? "it is no IPv4 address; write ipv4:192.0.2.1:443"
                                                   : "it is no IPv6 address; write ipv6:[2001:db8::1]:443");
  }
  if (!parsed->port.has_value()) return InvalidTarget(target, "an address needs a port; add :443, say");
  return parsed;
}

// What is behind the scheme's empty authority, or behind the scheme.
absl::string_view WithoutEmptyAuthority(absl::string_view rest) {
  if (absl::StartsWith(rest, "///")) rest.remove_prefix(3);
  return rest;
}

std::string Join(const std::string& host, int port) {
  return absl::StrContains(host, ":") ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

std::string TargetOf(const std::string& host, int port) {
  const absl::string_view scheme = absl::StrContains(host, ":") ? kIpv6 : IsAddress(AF_INET, host) ? kIpv4 : "dns:///";
  return absl::StrCat(scheme, Join(host, port));
}

absl::Status CheckDns(absl::string_view target, absl::string_view rest) {
  if (absl::ConsumePrefix(&rest, "//")) {
    const size_t end = rest.find('/');
    if (end == absl::string_view::npos) {
      return InvalidTarget(target,
                           "what follows // is the DNS server to ask; write dns:///HOST:PORT, with three slashes");
    }
    if (end > 0) {
      absl::StatusOr<ParsedAddress> server = ParseHostAndPort(target, rest.substr(0, end));
      if (!server.ok()) return server.status();
    }
    rest.remove_prefix(end + 1);
  }
  absl::StatusOr<ParsedAddress> host = ParseHostAndPort(target, rest);
  if (!host.ok()) return host.status();
  if (host->port == 0) return InvalidTarget(target, "nobody listens on port 0; write the server's");
  return absl::OkStatus();
}

absl::Status CheckAddresses(absl::string_view target, absl::string_view rest, int family) {
  for (const absl::string_view one : absl::StrSplit(WithoutEmptyAuthority(rest), ',')) {
    absl::StatusOr<ParsedAddress> address = ParseAddress(target, one, family);
    if (!address.ok()) return address.status();
    if (address->port == 0) return InvalidTarget(target, "nobody listens on port 0; write the server's");
  }
  return absl::OkStatus();
}

}  // namespace

bool RemoteTarget::HasScheme(absl::string_view target) {
  return absl::StartsWith(target, kDns) || absl::StartsWith(target, kIpv4) || absl::StartsWith(target, kIpv6);
}

absl::StatusOr<RemoteTarget> RemoteTarget::Parse(absl::string_view target) {
  absl::string_view rest = target;
  absl::Status status;
  if (absl::ConsumePrefix(&rest, kDns)) {
    status = CheckDns(target, rest);
  } else if (absl::ConsumePrefix(&rest, kIpv4)) {
    status = CheckAddresses(target, rest, AF_INET);
  } else if (absl::ConsumePrefix(&rest, kIpv6)) {
    status = CheckAddresses(target, rest, AF_INET6);
  } else {
    status = InvalidTarget(target, kForms);
  }
  if (!status.ok()) return status;
  return RemoteTarget(std::string(target), "", 0);
}

absl::StatusOr<RemoteTarget> RemoteTarget::ParseListening(absl::string_view address) {
  absl::string_view rest = address;
  absl::StatusOr<ParsedAddress> parsed;
  if (absl::ConsumePrefix(&rest, kIpv4)) {
    parsed = ParseAddress(address, WithoutEmptyAuthority(rest), AF_INET);
  } else if (absl::ConsumePrefix(&rest, kIpv6)) {
    parsed = ParseAddress(address, WithoutEmptyAuthority(rest), AF_INET6);
  } else {
    if (absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:")) {
      return InvalidTarget(address, "a Unix socket is no remote endpoint; call AddEndpoint for it");
    }
    absl::ConsumePrefix(&rest, kDns);
    parsed = ParseHostAndPort(address, WithoutEmptyAuthority(rest));
  }
  if (!parsed.ok()) return parsed.status();
  if (!parsed->port.has_value()) return InvalidTarget(address, "it needs a port; add :0 for any that is free");
  return RemoteTarget(TargetOf(parsed->host, *parsed->port), parsed->host, *parsed->port);
}

RemoteTarget RemoteTarget::WithPort(int port) const { return RemoteTarget(TargetOf(host_, port), host_, port); }

std::string RemoteTarget::HostAndPort() const { return Join(host_, port_); }

}  // namespace udsrpc
