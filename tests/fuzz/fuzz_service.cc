#include "tests/fuzz/fuzz_service.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "tests/fuzz/check.h"
#include "udsrpc/spawn.h"

namespace udsrpc::fuzz {
namespace {

std::vector<UniqueFd> OpenDescriptorsForReply(size_t count) {
  std::vector<UniqueFd> fds;
  for (size_t i = 0; i < count; ++i) fds.emplace_back(dup(STDERR_FILENO));
  return fds;
}

FuzzService::Bytes ReplyOfSize(size_t size) {
  FuzzService::Bytes bytes;
  bytes.set_value(std::string(size, 's'));
  return bytes;
}

}  // namespace

FuzzService::FuzzService() : Service("f.F") {
  AddMethod(ServerMethod::Unary(kPaths[0], this, &FuzzService::Unary, &FuzzService::UnaryAsync));
  AddMethod(ServerMethod::ServerStreaming(kPaths[1], this, &FuzzService::Count, &FuzzService::CountAsync));
  AddMethod(ServerMethod::ClientStreaming(kPaths[2], this, &FuzzService::Collect, &FuzzService::CollectAsync));
  AddMethod(ServerMethod::BidiStreaming(kPaths[3], this, &FuzzService::Chat, &FuzzService::ChatAsync));
  AddMethod(ServerMethod::Unary(kPaths[4], this, &FuzzService::Quick));
}

std::optional<MethodKind> FuzzService::KindOf(absl::string_view path) {
  constexpr MethodKind kKinds[] = {MethodKind::kUnary, MethodKind::kServerStreaming, MethodKind::kClientStreaming,
                                   MethodKind::kBidiStreaming, MethodKind::kUnary};
  for (size_t i = 0; i < std::size(kPaths); ++i) {
    if (path == kPaths[i]) return kKinds[i];
  }
  return std::nullopt;
}

size_t FuzzService::running() const {
  return static_cast<size_t>(
      std::count_if(handlers_.begin(), handlers_.end(), [](const Handler& handler) { return handler.running(); }));
}

// Waits for Finish.
struct FuzzService::Handler::Ending {
  Handler& handler;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) { handler.waits_ = coroutine; }
  void await_resume() const noexcept {}
};

Task<absl::Status> FuzzService::Serve(Handler& handler) {
  handler.context_->AddCancelCallback([&handler] { ++handler.times_cancelled_; });
  co_await Handler::Ending{handler};
  handler.context_ = nullptr;
  co_return std::move(handler.result_);
}

Task<absl::Status> FuzzService::UnaryAsync(ServerContext& context, const Bytes& /*request*/, Bytes& response) {
  return Serve(handlers_.emplace_back(context, &response));
}

Task<absl::Status> FuzzService::CountAsync(ServerContext& context, const Bytes& /*request*/,
                                           AsyncServerWriter<Bytes> writer) {
  Handler& handler = handlers_.emplace_back(context, nullptr);
  handler.writer_.emplace(std::move(writer));
  return Serve(handler);
}

Task<absl::Status> FuzzService::CollectAsync(ServerContext& context, AsyncServerReader<Bytes> reader, Bytes& response) {
  Handler& handler = handlers_.emplace_back(context, &response);
  handler.reader_.emplace(std::move(reader));
  return Serve(handler);
}

Task<absl::Status> FuzzService::ChatAsync(ServerContext& context, AsyncServerReaderWriter<Bytes, Bytes> stream) {
  Handler& handler = handlers_.emplace_back(context, nullptr);
  handler.stream_.emplace(std::move(stream));
  return Serve(handler);
}

// Those that have a coroutine are not served otherwise.
absl::Status FuzzService::Unary(ServerContext&, const Bytes&, Bytes&) { return absl::UnimplementedError("coroutine"); }
absl::Status FuzzService::Count(ServerContext&, const Bytes&, ServerWriter<Bytes>&) {
  return absl::UnimplementedError("coroutine");
}
absl::Status FuzzService::Collect(ServerContext&, ServerReader<Bytes>&, Bytes&) {
  return absl::UnimplementedError("coroutine");
}
absl::Status FuzzService::Chat(ServerContext&, ServerReaderWriter<Bytes, Bytes>&) {
  return absl::UnimplementedError("coroutine");
}

absl::Status FuzzService::Quick(ServerContext& context, const Bytes& request, Bytes& response) {
  const std::string& value = request.value();
  if (absl::StartsWith(value, "!")) throw std::runtime_error("as the request wants it");
  if (absl::StartsWith(value, "?")) {
    absl::Status status = absl::AbortedError(value.substr(0, 30000));
    status.SetPayload("type", absl::Cord(value.substr(0, 30000)));
    return status;
  }
  if (absl::StartsWith(value, "+")) {
    (void)context.AddInitialMetadata("initial-bin", value.substr(0, 30000));
    (void)context.AddTrailingMetadata("trailing-bin", value.substr(0, 30000));
  }
  if (absl::StartsWith(value, "<")) context.TakeFds();
  response.set_value(value.substr(0, 1000));  // one that is longer would have to wait for credit
  return absl::OkStatus();
}

Task<> FuzzService::Handler::ReadOne() {
  // One that goes on when the handler has ended gets nothing more.
  if (stream_.has_value()) {
    (void)co_await stream_->Read();
  } else {
    (void)co_await reader_->Read();
  }
  reading_ = false;
}

void FuzzService::Handler::Read(bool impatient) {
  if (!running() || reading_ || !(stream_.has_value() || reader_.has_value())) return;
  reading_ = true;
  stop_reading_ = impatient ? std::make_unique<Cancellation>() : nullptr;
  Spawn(
      ReadOne(), [] {}, stop_reading_.get());
}

void FuzzService::Handler::StopReading() {
  if (stop_reading_ != nullptr) stop_reading_->Cancel();
}

Task<> FuzzService::Handler::WriteOne(Bytes message, size_t descriptors) {
  std::vector<UniqueFd> fds = OpenDescriptorsForReply(descriptors);
  if (stream_.has_value()) {
    (void)co_await stream_->Write(message, std::move(fds));
  } else {
    (void)co_await writer_->Write(message, std::move(fds));
  }
  writing_ = false;
}

void FuzzService::Handler::Write(size_t size, size_t descriptors) {
  if (!running() || writing_ || !(stream_.has_value() || writer_.has_value())) return;
  writing_ = true;
  Spawn(WriteOne(ReplyOfSize(size), descriptors));
}

void FuzzService::Handler::SendInitialMetadata() {
  if (!running()) return;
  (void)context_->AddInitialMetadata("initial", "value");
  if (stream_.has_value()) stream_->SendInitialMetadata();
  if (writer_.has_value()) writer_->SendInitialMetadata();
  if (reader_.has_value()) reader_->SendInitialMetadata();
}

void FuzzService::Handler::TakeFds() {
  if (!running()) return;
  context_->TakeFds();
  if (stream_.has_value()) stream_->TakeFds();
  if (reader_.has_value()) reader_->TakeFds();
}

void FuzzService::Handler::Finish(absl::Status status, size_t response_size, size_t descriptors) {
  if (!running()) return;
  FUZZ_CHECK(waits_ != nullptr);
  result_ = std::move(status);
  if (response_ != nullptr) {
    *response_ = ReplyOfSize(response_size);
    for (UniqueFd& fd : OpenDescriptorsForReply(descriptors)) context_->AttachFd(std::move(fd));
  }
  if (response_size % 4 == 3) (void)context_->AddTrailingMetadata("trailing", "value");
  std::exchange(waits_, nullptr).resume();
  FUZZ_CHECK(!running());
}

}  // namespace udsrpc::fuzz
