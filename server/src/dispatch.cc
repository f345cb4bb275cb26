#include "server/src/dispatch.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/src/handler_run.h"

namespace udsrpc {
namespace {

// "package.Service" of "/package.Service/Method"; empty where `path` has no such shape.
absl::string_view ServiceOf(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return {};
  const size_t slash = path.find('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

}  // namespace

absl::Status MethodTable::Add(const Service& service) {
  if (!services_.insert(service.name()).second) {
    return absl::AlreadyExistsError(absl::StrCat("service ", service.name(), " is registered twice; register it once"));
  }
  for (const ServerMethod& method : service.methods()) {
    methods_.emplace(method.path(), &method);
    paces_.emplace(&method, std::make_unique<MethodPace>(MethodOptions()));
    monitor_->AddMethod(method);
  }
  return absl::OkStatus();
}

absl::Status MethodTable::SetOptions(absl::string_view path, const MethodOptions& options) {
  const ServerMethod* const method = Find(path);
  if (method == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("options of ", path, ", which no registered service has; a path is \"/package.Service/Method\""));
  }
  paces_[method] = std::make_unique<MethodPace>(options);
  admissions_.erase(method);
  if (!options.allowed_uids.empty() || !options.allowed_gids.empty()) {
    admissions_.emplace(method, Admission::For(options.allowed_uids, options.allowed_gids));
  }
  return absl::OkStatus();
}

absl::Status MethodTable::CheckAdmitted(const ServerMethod& method, const Peer& peer) const {
  const auto found = admissions_.find(&method);
  if (found == admissions_.end() || found->second.Admits(peer)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(method.path(), ": ", Admission::Refusal(peer)));
}

const ServerMethod* MethodTable::Find(absl::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : found->second;
}

absl::Status MethodTable::NotFound(absl::string_view path) const {
  const absl::string_view service = ServiceOf(path);
  if (services_.contains(service)) {
    return absl::UnimplementedError(
        absl::StrCat(path, ": service ", service, " has no such method; is the server older?"));
  }
  return absl::UnimplementedError(
      absl::StrCat(path, ": this server does not offer the service; is it the right endpoint?"));
}

void Dispatch(const MethodTable& table, const ServerMethod& method, ServerCall& call) {
  HandlerRun::Begin(table, method, call);
}

}  // namespace udsrpc
