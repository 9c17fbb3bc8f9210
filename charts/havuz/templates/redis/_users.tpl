{{- /*
What each user of the bundled Redis may do. The operator writes the configuration and puts credits into accounts; a gateway
reads the configuration, and writes only what it has to tell and what is used. Nobody else gets in.
*/ -}}
{{- define "havuz.redisRights.operator" -}}
resetkeys ~havuz:{config}:* ~havuz:{key-requests}:* %R~havuz:{health}:* ~havuz:{p:*}:account ~havuz:{p:*}:credits ~havuz:{p:*}:usage -@all +@connection +@transaction +@scripting +@read +@write -@dangerous
{{- end -}}

{{- define "havuz.redisRights.gateway" -}}
resetkeys %R~havuz:{config}:* ~havuz:{config}:fleet ~havuz:{config}:fleet-seen ~havuz:{config}:acks ~havuz:{health}:* ~havuz:{p:* ~havuz:{u:* ~havuz:{meter}:* ~havuz:{callbacks}:* ~havuz:{tasks}:* ~havuz:{key-requests}:* ~havuz:{pages}:* -@all +@connection +@transaction +@scripting +@read +@write +time -@dangerous
{{- end -}}
