#include "client/src/grpc_call.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/grpc_call_queue.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_metadata.h"
#include "common/src/grpc_status.h"

namespace udsrpc {
namespace {

// What gRPC says where it ends a call itself, with no more to tell than the code.
constexpr absl::string_view kDeadlineText = "Deadline Exceeded";
constexpr absl::string_view kCancelledText = "CANCELLED";
// Parts of what it says where no connection could be made.
constexpr absl::string_view kConnectText = "failed to connect";
constexpr absl::string_view kResolveText = "DNS resolution failed";
// How it begins where a connection takes no more calls: the server has asked to go elsewhere, or HTTP/2 has no more
// numbers for them.
constexpr absl::string_view kGoawayTexts[] = {"GOAWAY received", "Stream IDs exhausted"};

}  // namespace

absl::Status GrpcCall::Prepare() {
  if (absl::Status status = CheckDeadline(); !status.ok()) return status;
  FillContext();
  const bool waits = context_.wait_for_ready();
  for (;;) {
    if (waits || settings_.channel.must_connect()) {
      // Before gRPC's own waiting, which would not tell a missing permission from a missing server, and lasts longer.
      if (absl::Status ready = settings_.channel.AwaitReady(context_, deadline_); !ready.ok()) return ready;
    }
    absl::Status chosen = ChooseLink();
    if (chosen.ok() || !waits) return chosen;
  }
}

absl::Status GrpcCall::CheckDeadline() const {
  // Not left to gRPC, which sends the call first, and takes a time before 1970 for never.
  if (deadline_ > absl::Now()) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(method_.path, ": the deadline passed before the call started"));
}

void GrpcCall::FillContext() {
  if (deadline_ != absl::InfiniteFuture()) grpc_context_.set_deadline(absl::ToChronoTime(deadline_));
  if (context_.wait_for_ready()) grpc_context_.set_wait_for_ready(true);
  for (const auto& [key, value] : context_.metadata()) grpc_context_.AddMetadata(key, value);
}

absl::Status GrpcCall::ChooseLink() {
  if (settings_.channel.LongUnused()) GrpcCallQueue::OfThisThread().Poll();
  link_ = settings_.channel.Current();
  if (link_ != nullptr) {
    channel_ = link_->channel();
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat(settings_.endpoint, ": the connection ended before ", method_.path, " was sent; call again"));
}

absl::Status GrpcCall::End(const grpc::Status& status) {
  Detach(context_);
  settings_.channel.MarkUsed();
  const GrpcMetadata& trailing = grpc_context_.GetServerTrailingMetadata();
  if (trailing.find(kSuccessorKey) != trailing.end()) settings_.channel.Replace(*link_);
  absl::Status initial_fits = TakeInitialMetadata();
  ActiveCall::TrailingMetadata(context_) = FromGrpcMetadata(trailing);
  absl::Status result = std::move(initial_fits);
  if (result.ok()) result = CheckSize(ActiveCall::TrailingMetadata(context_));
  if (result.ok()) result = Explain(FromGrpcStatus(status, trailing));
  link_.reset();  // whoever has the call still has not its connection
  return result;
}

absl::Status GrpcCall::TakeInitialMetadata() {
  if (!initial_metadata_taken_) {
    initial_metadata_taken_ = true;
    ActiveCall::InitialMetadata(context_) = FromGrpcMetadata(grpc_context_.GetServerInitialMetadata());
    initial_metadata_fits_ = CheckSize(ActiveCall::InitialMetadata(context_));
  }
  return initial_metadata_fits_;
}

absl::Status GrpcCall::CheckSize(Metadata& metadata) const {
  const size_t bytes = metadata.ByteSize();
  if (bytes <= settings_.max_metadata_bytes) return absl::OkStatus();
  metadata.clear();
  return ServerMetadataError(method_.path, bytes, settings_.max_metadata_bytes);
}

absl::Status GrpcCall::Explain(absl::Status status) const {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      if (status.message() != kDeadlineText) return status;
      return absl::DeadlineExceededError(
          absl::StrCat(method_.path, ": no answer from ", settings_.endpoint, " before the deadline"));
    case absl::StatusCode::kCancelled:
      if (status.message() != kCancelledText) return status;
      if (cancelled_) return absl::CancelledError(absl::StrCat(method_.path, ": cancelled"));
      // So ends a call that reaches a gRPC server in its shutdown, or is under way at the shutdown's end: the stream is
      // reset, with no status sent. To a caller who did not cancel, that is a lost connection.
      if (!MayBeMadeHere(status)) return status;
      return absl::UnavailableError(
          absl::StrCat(settings_.endpoint, ": the server dropped the call ", method_.path, "; is it shutting down?"));
    case absl::StatusCode::kUnavailable:
      break;
    default:
      return status;
  }
  const grpc_connectivity_state state = link_->GetState();
  if (settings_.channel.is_remote() && state != GRPC_CHANNEL_READY && MayBeMadeHere(status) &&
      (absl::StrContains(status.message(), kConnectText) || absl::StrContains(status.message(), kResolveText))) {
    ActiveCall::Sizes(context_).Clear();  // nothing was sent
    return absl::UnavailableError(absl::StrCat(
        settings_.endpoint, ": cannot connect: ", status.message(),
        "; is the server running, is its certificate for that name and of an authority that the credentials "
        "name, and does it demand one of the client?"));
  }
  if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || IsGoaway(status)) {
    settings_.channel.Replace(*link_);
    if (absl::StrContains(status.message(), kConnectText)) {
      ActiveCall::Sizes(context_).Clear();
      return absl::UnavailableError(
          absl::StrCat(settings_.endpoint, ": cannot connect: ", status.message(), "; is the server running?"));
    }
  }
  // While connected, the server said so. It may as well have on a connection that it is about to close, but then, as
  // far as can be told, with nothing beside the text.
  if (state == GRPC_CHANNEL_READY || !MayBeMadeHere(status)) return status;
  return absl::UnavailableError(absl::StrCat(settings_.endpoint, ": the connection ended during ", method_.path, ": ",
                                             status.message(), "; call again if the method may run twice"));
}

bool GrpcCall::IsGoaway(const absl::Status& status) const {
  if (!settings_.channel.must_connect() || !MayBeMadeHere(status)) return false;
  return absl::c_any_of(kGoawayTexts,
                        [&status](absl::string_view text) { return absl::StartsWith(status.message(), text); });
}

bool GrpcCall::MayBeMadeHere(const absl::Status& status) const {
  bool bare = context_.server_initial_metadata().empty() && context_.server_trailing_metadata().empty();
  status.ForEachPayload([&bare](absl::string_view, const absl::Cord&) { bare = false; });
  return bare;
}

void GrpcCall::OnCancel() {
  cancelled_ = true;
  grpc_context_.TryCancel();
}

}  // namespace udsrpc
