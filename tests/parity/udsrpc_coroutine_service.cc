#include <coroutine>
#include <exception>
#include <optional>

#include "tests/parity/udsrpc_outcome.h"
#include "tests/parity/udsrpc_service.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"

namespace udsrpc::parity {
namespace {

// What a coroutine of any kind is given (a variable of its own before co_await: GCC 12 destroys an aggregate that is
// made within that expression twice); nothing where its kind has no such thing.
struct CoroutineHandles {
  const Note* request = nullptr;
  Note* reply = nullptr;
  std::optional<AsyncServerWriter<Note>> writer = std::nullopt;
  std::optional<AsyncServerReader<Note>> reader = std::nullopt;
  std::optional<AsyncServerReaderWriter<Note, Note>> both = std::nullopt;
};

class CoroutineServerCall final : public ServerCall {
 public:
  CoroutineServerCall(ServerContext& context, CoroutineHandles& handles) : context_(context), handles_(handles) {}

  const Note& request() const override {
    return handles_.request != nullptr ? *handles_.request : Note::default_instance();
  }
  void SetReply(const Note& reply) override { *handles_.reply = reply; }
  bool Read(Note& note) override { return SyncWait(ReadInto(note), &context_.cancellation()); }
  bool Write(const Note& note) override { return SyncWait(WriteNote(note), &context_.cancellation()); }
  void SendInitialMetadata() override {
    if (handles_.writer) handles_.writer->SendInitialMetadata();
    if (handles_.reader) handles_.reader->SendInitialMetadata();
    if (handles_.both) handles_.both->SendInitialMetadata();
  }

  Entries client_metadata() const override { return FromMetadata(context_.client_metadata()); }
  bool AddInitialMetadata(const std::string& key, const std::string& value) override {
    return context_.AddInitialMetadata(key, value).ok();
  }
  bool AddTrailingMetadata(const std::string& key, const std::string& value) override {
    return context_.AddTrailingMetadata(key, value).ok();
  }

  absl::Time deadline() const override { return context_.deadline(); }
  bool IsCancelled() const override { return context_.IsCancelled(); }
  bool AwaitCancelled() override { return SyncWait(IsWoken(), &context_.cancellation()) && IsCancelled(); }

 private:
  Task<bool> ReadInto(Note& note) {
    std::optional<Note> read;
    if (handles_.reader) {
      read = co_await handles_.reader->Read();
    } else {
      read = co_await handles_.both->Read();
    }
    if (read) note = *std::move(read);
    co_return read.has_value();
  }
  Task<bool> WriteNote(const Note& note) {
    if (handles_.writer) co_return co_await handles_.writer->Write(note);
    co_return co_await handles_.both->Write(note);
  }
  static Task<bool> IsWoken() { co_return !co_await Sleep(absl::Seconds(20)); }

  ServerContext& context_;
  CoroutineHandles& handles_;
};

}  // namespace

// Awaited: the script, to its end.
class UdsrpcCoroutineService::Run {
 public:
  Run(UdsrpcCoroutineService& service, ServerContext& context, CoroutineHandles handles)
      : service_(service), handles_(std::move(handles)), call_(context, handles_) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    UdsrpcCoroutineService& service = service_;
    internal::MutexLock lock(service.mutex_);
    service.threads_.emplace_back([this, coroutine] {
      try {
        status_ = ToStatus(service_.script_(call_));
      } catch (...) {
        exception_ = std::current_exception();
      }
      coroutine.resume();
    });
  }
  absl::Status await_resume() {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
    return std::move(status_);
  }

 private:
  UdsrpcCoroutineService& service_;
  CoroutineHandles handles_;
  CoroutineServerCall call_;
  absl::Status status_;
  std::exception_ptr exception_;
};

UdsrpcCoroutineService::~UdsrpcCoroutineService() {
  internal::MutexLock lock(mutex_);
  for (std::thread& thread : threads_) thread.join();
}

Task<absl::Status> UdsrpcCoroutineService::UnaryAsync(ServerContext& context, const Note& request, Note& reply) {
  CoroutineHandles handles{.request = &request, .reply = &reply};
  co_return co_await Run(*this, context, std::move(handles));
}

Task<absl::Status> UdsrpcCoroutineService::ServerStreamAsync(ServerContext& context, const Note& request,
                                                             AsyncServerWriter<Note> writer) {
  CoroutineHandles handles{.request = &request, .writer = writer};
  co_return co_await Run(*this, context, std::move(handles));
}

Task<absl::Status> UdsrpcCoroutineService::ClientStreamAsync(ServerContext& context, AsyncServerReader<Note> reader,
                                                             Note& reply) {
  CoroutineHandles handles{.reply = &reply, .reader = reader};
  co_return co_await Run(*this, context, std::move(handles));
}

Task<absl::Status> UdsrpcCoroutineService::BidiAsync(ServerContext& context,
                                                     AsyncServerReaderWriter<Note, Note> stream) {
  CoroutineHandles handles{.both = stream};
  co_return co_await Run(*this, context, std::move(handles));
}

}  // namespace udsrpc::parity
