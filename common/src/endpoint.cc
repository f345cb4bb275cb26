#include "udsrpc/endpoint.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/src/percent_encoding.h"
#include "common/src/socket/socket_address.h"

namespace udsrpc {
namespace {

constexpr absl::string_view kForms = "write unix:PATH, unix:///ABSOLUTE/PATH or unix-abstract:NAME";

absl::Status InvalidEndpoint(absl::string_view target, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("endpoint \"", absl::CHexEscape(target), "\": ", what));
}

absl::Status CheckName(absl::string_view target, absl::string_view name) {
  if (name.empty()) return InvalidEndpoint(target, absl::StrCat("the name is empty; ", kForms));
  if (name.size() <= kMaxAddressBytes) return absl::OkStatus();
  return InvalidEndpoint(target, absl::StrCat("the name has ", name.size(), " bytes, and a socket address holds ",
                                              kMaxAddressBytes, "; use a shorter one"));
}

absl::Status CheckAddress(absl::string_view target, Endpoint::Kind kind, absl::string_view address) {
  if (kind == Endpoint::Kind::kAbstract) return CheckName(target, address);
  if (address.empty()) return InvalidEndpoint(target, absl::StrCat("the path is empty; ", kForms));
  if (const absl::Status status = CheckPathLength(address); !status.ok()) {
    return InvalidEndpoint(target, absl::StrCat("the path ", status.message()));
  }
  if (absl::StrContains(address, absl::string_view("\0", 1))) {
    return InvalidEndpoint(target, "a path cannot contain a NUL; remove the %00");
  }
  if (address.back() == '/') return InvalidEndpoint(target, "the path names a directory; add the socket's file name");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view target) {
  absl::string_view rest = target;
  Kind kind;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    kind = Kind::kPath;
    if (absl::ConsumePrefix(&rest, "//") && !absl::StartsWith(rest, "/")) {
      return InvalidEndpoint(target, "unix:// must be followed by an absolute path, as in unix:///run/my.sock");
    }
  } else if (absl::ConsumePrefix(&rest, "unix-abstract:")) {
    kind = Kind::kAbstract;
    if (absl::StartsWith(rest, "//")) {
      return InvalidEndpoint(target, "an abstract name has no authority; write unix-abstract:NAME");
    }
  } else if (target.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the endpoint is empty; ", kForms));
  } else {
    return InvalidEndpoint(target, absl::StrCat("the scheme is none that udsrpc knows; ", kForms,
                                                ", or dns:///HOST:PORT for another host"));
  }
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return InvalidEndpoint(target, "a raw ? or # would begin a URI's query or fragment; write %3F or %23");
  }
  std::string address;
  if (!PercentDecode(rest, address)) {
    return InvalidEndpoint(target, "a % is not followed by two hexadecimal digits; write %25 for the character itself");
  }
  if (absl::Status status = CheckAddress(target, kind, address); !status.ok()) return status;
  return Endpoint(kind, std::move(address));
}

absl::StatusOr<Endpoint> Endpoint::FromPath(absl::string_view path) {
  absl::Status status = CheckAddress(path, Kind::kPath, path);
  if (!status.ok()) return status;
  return Endpoint(Kind::kPath, std::string(path));
}

absl::StatusOr<Endpoint> Endpoint::FromAbstractName(absl::string_view name) {
  absl::Status status = CheckAddress(name, Kind::kAbstract, name);
  if (!status.ok()) return status;
  return Endpoint(Kind::kAbstract, std::string(name));
}

std::string Endpoint::ToString() const {
  // Two slashes would read as an authority: an empty one before a path keeps it that, and of a name, which may have
  // none, the first is escaped.
  const bool slashes = absl::StartsWith(address_, "//");
  if (kind_ == Kind::kPath) return absl::StrCat(slashes ? "unix://" : "unix:", PercentEncode(address_));
  const absl::string_view name = address_;
  return slashes ? absl::StrCat("unix-abstract:%2F", PercentEncode(name.substr(1)))
                 : absl::StrCat("unix-abstract:", PercentEncode(name));
}

}  // namespace udsrpc
