// What a newcomer finds in the editors. The query must work without an account.

export const WELCOME = `# Welcome to Commons. This page talks to this server alone and works offline.
#
# Press the play button (or Ctrl-Enter) to run the query at the bottom.
# The book icon at the top left opens the documentation of every type and field.
#
# 1. An account. Run \`register\`, or \`login\` when you have one, and select
#    \`accessToken\` in its answer. The documentation lists the arguments.
# 2. The headers pane below this editor: put the token there,
#      { "authorization": "Bearer <accessToken>" }
#    It lives for five minutes; \`refreshSession\` gives the next one.
# 3. A place: \`createGuild\`, then \`createChannel\`, then \`sendMessage\`.
# 4. Watch: open a second tab in here, run \`subscription { messageEvents(channelId: "…") { … } }\`
#    and send a message from the first. A subscription uses the same headers pane.
# 5. Anything by its id: \`node(id: "…")\`.

query Welcome {
  instance {
    name
    version
  }
}
`;

// Without an account there is nothing to send: an empty `authorization` would be refused.
export const HEADERS = '{}\n';
