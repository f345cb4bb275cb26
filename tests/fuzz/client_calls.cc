#include "tests/fuzz/client_calls.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "client/src/active_call.h"
#include "client/src/seqpacket_async_stream.h"
#include "client/src/seqpacket_async_unary_call.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_service.h"

namespace udsrpc::fuzz {
namespace {

// Within a function of a call, whose completions must not run before it has returned: on this thread.
thread_local bool calling = false;

class Calling {
 public:
  Calling() { FUZZ_CHECK(!std::exchange(calling, true)); }
  ~Calling() { calling = false; }
};

Bytes RequestOfSize(size_t size) {
  Bytes bytes;
  bytes.set_value(std::string(size, 'c'));
  return bytes;
}

void Prepare(ClientContext& context, const CallSettings& settings) {
  if (settings.timeout != absl::InfiniteDuration()) context.set_timeout(settings.timeout);
  if (settings.metadata) FUZZ_CHECK(context.AddMetadata("key-bin", "value").ok());
  for (size_t i = 0; i < settings.descriptors; ++i) context.AttachFd(UniqueFd(dup(STDERR_FILENO)));
  FUZZ_CHECK(ActiveCall::Claim(context).ok());
}

}  // namespace

UnaryCallOfFuzzer::UnaryCallOfFuzzer(const SeqpacketAsyncCall::Transport& transport, const CallSettings& settings)
    : request_(RequestOfSize(settings.request_size)) {
  Prepare(context_, settings);
  const MethodDescriptor method{.path = FuzzService::kPaths[0], .kind = MethodKind::kUnary};
  const Calling within;
  call_ = std::make_unique<SeqpacketAsyncUnaryCall>(transport, method, context_, request_, response_);
  call_->Start([this](absl::Status status) {
    FUZZ_CHECK(!calling && !over());
    status_ = std::move(status);
    if (status_->ok()) context_.TakeFds();
  });
}

UnaryCallOfFuzzer::~UnaryCallOfFuzzer() {
  const Calling within;
  call_.reset();
}

StreamOfFuzzer::StreamOfFuzzer(const SeqpacketAsyncCall::Transport& transport, const MethodDescriptor& method,
                               const CallSettings& settings) {
  CallSettings own = settings;
  if (!ReadsOneRequest(method.kind)) own.descriptors %= 2;  // they are refused, which is worth to be seen
  Prepare(context_, own);
  const Bytes request = RequestOfSize(settings.request_size);
  const Calling within;
  stream_ = std::make_unique<SeqpacketAsyncStream>(transport, method, context_,
                                                   ReadsOneRequest(method.kind) ? &request : nullptr);
}

StreamOfFuzzer::~StreamOfFuzzer() {
  const Calling within;
  stream_.reset();
}

void StreamOfFuzzer::Read() {
  if (!may_read()) return;
  const Calling within;
  reading_ = true;
  const std::optional<bool> read =
      stream_->Read(read_, [this](bool) { FUZZ_CHECK(!calling && std::exchange(reading_, false) && !over()); });
  if (read) reading_ = false;
}

void StreamOfFuzzer::AwaitInitialMetadata() {
  if (!may_read()) return;
  const Calling within;
  reading_ = true;
  const std::optional<bool> known = stream_->WaitForInitialMetadata(
      [this](bool) { FUZZ_CHECK(!calling && std::exchange(reading_, false) && !over()); });
  if (known) reading_ = false;
}

void StreamOfFuzzer::Write(size_t size, bool last, size_t descriptors) {
  if (!may_write()) return;
  const Calling within;
  std::vector<UniqueFd> fds;
  for (size_t i = 0; i < descriptors; ++i) fds.emplace_back(dup(STDERR_FILENO));
  stream_->AttachFds(std::move(fds));
  written_ = RequestOfSize(size);
  writing_ = true;
  const std::optional<bool> sent = stream_->Write(
      written_, last, [this](bool) { FUZZ_CHECK(!calling && std::exchange(writing_, false) && !over()); });
  if (sent) writing_ = false;
}

void StreamOfFuzzer::HalfClose() {
  if (!may_write()) return;
  const Calling within;
  writing_ = true;
  const std::optional<bool> sent =
      stream_->WritesDone([this](bool) { FUZZ_CHECK(!calling && std::exchange(writing_, false) && !over()); });
  if (sent) writing_ = false;
}

void StreamOfFuzzer::TakeFds() {
  if (!reading_) stream_->TakeFds();
}

void StreamOfFuzzer::Finish() {
  if (reading_ || writing_ || std::exchange(finishing_, true)) return;
  const Calling within;
  std::optional<absl::Status> at_once = stream_->Finish([this](absl::Status status) {
    FUZZ_CHECK(!calling && !over());
    status_ = std::move(status);
  });
  if (at_once) status_ = std::move(at_once);
}

void StreamOfFuzzer::ForgetRead() {
  if (!std::exchange(reading_, false)) return;
  stream_->Forget(AsyncClientStream::Outstanding::kRead);
  read_forgotten_ = true;
}

void StreamOfFuzzer::ForgetWrite() {
  if (!std::exchange(writing_, false)) return;
  stream_->Forget(AsyncClientStream::Outstanding::kWrite);
  write_forgotten_ = true;
}

}  // namespace udsrpc::fuzz
