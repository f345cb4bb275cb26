#include "tests/parity/udsrpc_service.h"

#include <memory>

#include "absl/time/clock.h"
#include "tests/parity/udsrpc_outcome.h"
#include "tests/support/event.h"

namespace udsrpc::parity {
namespace {

// What a handler of any kind is given; null where its kind has no such thing.
struct Handles {
  const Note* request = nullptr;
  Note* reply = nullptr;
  ServerWriter<Note>* writer = nullptr;
  ServerReader<Note>* reader = nullptr;
  ServerReaderWriter<Note, Note>* both = nullptr;
};

class UdsrpcServerCall final : public ServerCall {
 public:
  UdsrpcServerCall(ServerContext& context, const Handles& handles) : context_(context), handles_(handles) {}

  const Note& request() const override {
    return handles_.request != nullptr ? *handles_.request : Note::default_instance();
  }
  void SetReply(const Note& reply) override { *handles_.reply = reply; }
  bool Read(Note& note) override {
    return handles_.reader != nullptr ? handles_.reader->Read(note) : handles_.both->Read(note);
  }
  bool Write(const Note& note) override {
    return handles_.writer != nullptr ? handles_.writer->Write(note) : handles_.both->Write(note);
  }
  void SendInitialMetadata() override {
    if (handles_.writer != nullptr) handles_.writer->SendInitialMetadata();
    if (handles_.reader != nullptr) handles_.reader->SendInitialMetadata();
    if (handles_.both != nullptr) handles_.both->SendInitialMetadata();
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
  bool AwaitCancelled() override {
    // Shared: the callback may run after the wait was given up.
    const auto cancelled = std::make_shared<udsrpc::testing::Event>();
    context_.AddCancelCallback([cancelled] { cancelled->Happen(); });
    return cancelled->Await() && IsCancelled();
  }

 private:
  ServerContext& context_;
  const Handles handles_;
};

absl::Status Serve(const Script& script, ServerContext& context, const Handles& handles) {
  UdsrpcServerCall call(context, handles);
  return ToStatus(script(call));
}

}  // namespace

absl::Status UdsrpcService::Unary(ServerContext& context, const Note& request, Note& reply) {
  return Serve(script_, context, {.request = &request, .reply = &reply});
}

absl::Status UdsrpcService::ServerStream(ServerContext& context, const Note& request, ServerWriter<Note>& writer) {
  return Serve(script_, context, {.request = &request, .writer = &writer});
}

absl::Status UdsrpcService::ClientStream(ServerContext& context, ServerReader<Note>& reader, Note& reply) {
  return Serve(script_, context, {.reply = &reply, .reader = &reader});
}

absl::Status UdsrpcService::Bidi(ServerContext& context, ServerReaderWriter<Note, Note>& stream) {
  return Serve(script_, context, {.both = &stream});
}

ReplylessService::ReplylessService() : Service("udsrpc.parity.Calls") {
  AddMethod(ServerMethod::BidiStreaming("/udsrpc.parity.Calls/Unary", this, &ReplylessService::ReadOne));
  AddMethod(ServerMethod::BidiStreaming("/udsrpc.parity.Calls/ClientStream", this, &ReplylessService::ReadOne));
}

absl::Status ReplylessService::ReadOne(ServerContext& /*context*/, ServerReaderWriter<Note, Note>& stream) {
  Note note;
  stream.Read(note);
  return absl::OkStatus();
}

}  // namespace udsrpc::parity
