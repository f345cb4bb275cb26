#include "client/src/grpc_target.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

// What gRPC 1.51.1 does to a target was tried with real sockets, see tests/grpc/grpc_target_test.cc.

namespace udsrpc {
namespace {

absl::Status CannotExpress(const Endpoint& endpoint, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": gRPC's client cannot connect there: ", why,
                                                 "; choose another address, or use Transport::kSeqpacket"));
}

}  // namespace

absl::StatusOr<std::string> GrpcTarget(const Endpoint& endpoint) {
  const absl::string_view address = endpoint.address();
  if (absl::StrContains(address, ",")) {
    return CannotExpress(endpoint, "it reads a comma, even as %2C, as the end of an address");
  }
  if (endpoint.kind() == Endpoint::Kind::kAbstract) {
    if (address[0] == '\0') return CannotExpress(endpoint, "it takes a name that begins with %00 for an empty one");
    if (absl::StartsWith(address, "//")) {
      return CannotExpress(endpoint, "it takes what follows // for an authority, even as %2F%2F");
    }
    return endpoint.ToString();
  }
  // So it does in a path, where one slash means the same file.
  absl::string_view path = address;
  while (absl::StartsWith(path, "//")) path.remove_prefix(1);
  absl::StatusOr<Endpoint> same = Endpoint::FromPath(path);
  if (!same.ok()) return same.status();
  return same->ToString();
}

}  // namespace udsrpc
