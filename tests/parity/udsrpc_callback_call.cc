#include <optional>

#include "tests/parity/udsrpc_client_call.h"
#include "tests/parity/udsrpc_stubs.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::parity {
namespace {

// What a completion brings, to the thread that waits for it.
template <typename Result>
class Completion {
 public:
  absl::AnyInvocable<void(Result) &&> Done() {
    return [this](Result result) {
      internal::MutexLock lock(mutex_);
      result_ = std::move(result);
      came_.Signal();
    };
  }
  Result Await() {
    internal::MutexLock lock(mutex_);
    while (!result_) came_.Wait(mutex_);
    return *std::move(result_);
  }
  // Of a function that returns the result or calls back.
  Result Await(std::optional<Result> at_once) { return at_once ? *std::move(at_once) : Await(); }

 private:
  internal::Mutex mutex_;
  internal::CondVar came_;
  std::optional<Result> result_ ABSL_GUARDED_BY(mutex_);
};

template <typename Stub>
class CallbackCall final : public UdsrpcCallBase {
 public:
  CallbackCall(const std::shared_ptr<Channel>& channel, const CallOptions& options, std::vector<std::string>& refused)
      : UdsrpcCallBase(options, refused), stub_(channel), channel_(channel), service_(options.service) {}

  void Start(const Note& request) override {
    request_ = request;
    if (kind_ == MethodKind::kUnary) return;
    stream_ = channel_->StartStreamingCall({Path(), kind_}, context_,
                                           kind_ == MethodKind::kServerStreaming ? &request : nullptr);
  }

  bool Read(Note& note) override {
    Completion<bool> completion;
    return completion.Await(stream_->Read(note, completion.Done()));
  }
  bool Write(const Note& note, bool last) override {
    Completion<bool> completion;
    return completion.Await(stream_->Write(note, last, completion.Done()));
  }
  bool WritesDone() override {
    Completion<bool> completion;
    return completion.Await(stream_->WritesDone(completion.Done()));
  }
  void WaitForInitialMetadata() override {
    Completion<bool> completion;
    completion.Await(stream_->WaitForInitialMetadata(completion.Done()));
  }

  Outcome Finish() override {
    Completion<absl::Status> completion;
    if (kind_ == MethodKind::kUnary) {
      stub_.Async().Unary(context_, request_, reply_, completion.Done());
      return FromStatus(completion.Await());
    }
    if (kind_ == MethodKind::kClientStreaming) {
      WritesDone();
      Read(reply_);
    }
    return FromStatus(completion.Await(stream_->Finish(completion.Done())));
  }

 private:
  const char* Path() const {
    const bool written = service_ != CalledService::kUnwritten;
    const bool absent = service_ == CalledService::kAbsent;
    switch (kind_) {
      case MethodKind::kServerStreaming:
        return absent    ? "/udsrpc.parity.Absent/ServerStream"
               : written ? "/udsrpc.parity.Calls/ServerStream"
                         : "/udsrpc.parity.Unwritten/ServerStream";
      case MethodKind::kClientStreaming:
        return absent    ? "/udsrpc.parity.Absent/ClientStream"
               : written ? "/udsrpc.parity.Calls/ClientStream"
                         : "/udsrpc.parity.Unwritten/ClientStream";
      default:
        return absent    ? "/udsrpc.parity.Absent/Bidi"
               : written ? "/udsrpc.parity.Calls/Bidi"
                         : "/udsrpc.parity.Unwritten/Bidi";
    }
  }

  const Stub stub_;
  const std::shared_ptr<Channel> channel_;
  const CalledService service_;
  std::unique_ptr<AsyncClientStream> stream_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeCallbackCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                             std::vector<std::string>& refused) {
  return MakeCallOf<CallbackCall>(channel, options, refused);
}

}  // namespace udsrpc::parity
