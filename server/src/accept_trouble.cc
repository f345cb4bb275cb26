#include "server/src/accept_trouble.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace udsrpc {
namespace {

// A server at its limit comes to it again with every connection that is closed.
constexpr std::chrono::seconds kQuiet{10};

}  // namespace

std::string AcceptTrouble::OnFailed(const std::string& endpoint, int error, Clock::time_point now) {
  if (failing_) return {};
  failing_ = true;
  endpoint_ = endpoint;
  said_so_ = MaySay(now);
  if (!said_so_) return {};
  const char* const remedy = error == EMFILE || error == ENFILE ? "; raise the limit of open files" : "";
  return absl::StrCat(endpoint, ": cannot accept connections: ", std::generic_category().message(error), remedy,
                      "; those that connect wait");
}

std::string AcceptTrouble::OnAccepted() {
  if (!failing_) return {};
  failing_ = false;
  return said_so_ ? absl::StrCat(endpoint_, ": accepts connections again") : std::string();
}

std::string AcceptTrouble::OnDropped(const std::string& endpoint, const absl::Status& why, Clock::time_point now) {
  return MaySay(now) ? absl::StrCat(endpoint, ": a connection was closed unserved: ", why.message()) : std::string();
}

bool AcceptTrouble::MaySay(Clock::time_point now) {
  if (now < quiet_until_) return false;
  quiet_until_ = now + kQuiet;
  return true;
}

}  // namespace udsrpc
