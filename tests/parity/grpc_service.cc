#include "tests/parity/grpc_service.h"

#include "absl/time/clock.h"
#include "tests/parity/grpc_outcome.h"

namespace udsrpc::parity {
namespace {

// What a handler of any kind is given; null where its kind has no such thing.
struct Handles {
  const Note* request = nullptr;
  Note* reply = nullptr;
  grpc::ServerWriter<Note>* writer = nullptr;
  grpc::ServerReader<Note>* reader = nullptr;
  grpc::ServerReaderWriter<Note, Note>* both = nullptr;
};

class StockServerCall final : public ServerCall {
 public:
  StockServerCall(grpc::ServerContext& context, const Handles& handles) : context_(context), handles_(handles) {}

  const Note& request() const override {
    return handles_.request != nullptr ? *handles_.request : Note::default_instance();
  }
  void SetReply(const Note& reply) override { *handles_.reply = reply; }
  bool Read(Note& note) override {
    return handles_.reader != nullptr ? handles_.reader->Read(&note) : handles_.both->Read(&note);
  }
  bool Write(const Note& note) override {
    return handles_.writer != nullptr ? handles_.writer->Write(note) : handles_.both->Write(note);
  }
  void SendInitialMetadata() override {
    if (handles_.writer != nullptr) handles_.writer->SendInitialMetadata();
    if (handles_.reader != nullptr) handles_.reader->SendInitialMetadata();
    if (handles_.both != nullptr) handles_.both->SendInitialMetadata();
  }

  Entries client_metadata() const override { return FromGrpc(context_.client_metadata()); }
  bool AddInitialMetadata(const std::string& key, const std::string& value) override {
    context_.AddInitialMetadata(key, value);
    return true;
  }
  bool AddTrailingMetadata(const std::string& key, const std::string& value) override {
    context_.AddTrailingMetadata(key, value);
    return true;
  }

  absl::Time deadline() const override {
    return context_.deadline() == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                                               : absl::FromChrono(context_.deadline());
  }
  bool IsCancelled() const override { return context_.IsCancelled(); }
  // gRPC's blocking API tells only those who ask.
  bool AwaitCancelled() override {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (!IsCancelled() && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
    return IsCancelled();
  }

 private:
  grpc::ServerContext& context_;
  const Handles handles_;
};

grpc::Status Serve(const Script& script, grpc::ServerContext& context, const Handles& handles) {
  StockServerCall call(context, handles);
  return ToGrpc(script(call));
}

}  // namespace

grpc::Status StockService::Unary(grpc::ServerContext* context, const Note* request, Note* reply) {
  return Serve(script_, *context, {.request = request, .reply = reply});
}

grpc::Status StockService::ServerStream(grpc::ServerContext* context, const Note* request,
                                        grpc::ServerWriter<Note>* writer) {
  return Serve(script_, *context, {.request = request, .writer = writer});
}

grpc::Status StockService::ClientStream(grpc::ServerContext* context, grpc::ServerReader<Note>* reader, Note* reply) {
  return Serve(script_, *context, {.reply = reply, .reader = reader});
}

grpc::Status StockService::Bidi(grpc::ServerContext* context, grpc::ServerReaderWriter<Note, Note>* stream) {
  return Serve(script_, *context, {.both = stream});
}

}  // namespace udsrpc::parity
